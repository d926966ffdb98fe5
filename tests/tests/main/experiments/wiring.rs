//! What does not fit together is told, all of it at once, before anything runs.

use crate::common::*;

#[stage(outputs = [rows], cachers = [Json])]
fn rows() -> Vec<u32> {
    vec![1]
}

#[stage(outputs = [rows], cachers = [Json])]
fn other_rows() -> Vec<u32> {
    vec![2]
}

#[stage(inputs = [rwos], outputs = [sum], cachers = [Json])]
fn misspelt(rwos: &[u32]) -> u32 {
    rwos.iter().sum()
}

#[stage(inputs = [rows], outputs = [text], cachers = [Json])]
fn wrong_type(rows: &str) -> usize {
    rows.len()
}

#[stage(inputs = [sum], outputs = [double], cachers = [Json])]
fn follows(sum: &u32) -> u32 {
    sum * 2
}

#[stage(inputs = [rows], outputs = [count], cachers = [Json])]
fn fine(rows: &[u32]) -> usize {
    rows.len()
}

#[aggregate(inputs = [cuont], outputs = [all], cachers = [Json])]
fn misspelt_too(cuont: Across<usize>) -> usize {
    cuont.len()
}

#[aggregate(inputs = [count], outputs = [all], cachers = [Json])]
fn wrong_type_too(count: Across<String>) -> usize {
    count.len()
}

fn run(lab: &Lab, pipeline: fn(&mut Record<()>) -> Result<()>) -> Error {
    let experiment = Experiment::new("wrong", pipeline).record("base", ());
    let planned = experiment.plan(&lab.options()).unwrap_err();
    let error = experiment.run(&lab.options()).unwrap_err();
    assert_eq!(planned.chain(), error.chain());
    assert_eq!(error.kind(), ErrorKind::Wiring);
    assert_eq!(lab.lines(), [""; 0]);
    assert!(!lab.store_path().exists(), "nothing is made");
    error
}

#[test]
fn all_mistakes_are_told_together() {
    let lab = Lab::new();
    let experiment = Experiment::new("wrong", |record: &mut Record<()>| {
        rows(record)?;
        fine(record)?;
        misspelt(record)?;
        follows(record)?;
        wrong_type(record)?;
        other_rows(record)?;
        Ok(())
    });
    let experiment =
        experiment.record("base", ()).aggregate(misspelt_too).aggregate(wrong_type_too);
    let text = experiment.run(&lab.options()).unwrap_err().chain();
    for expected in [
        "the input `rwos` is not in the record's state; did you mean `rows`?",
        "the input `rows` is a `String`, but the record holds a `Vec<u32>`, made by `",
        "the output `rows` is produced twice, by `",
        "the input `cuont` is not in the state of record `base`; did you mean `count`?",
        "the input `count` is a `String`, but record `base` holds a `usize`",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(
        !text.contains("`follows`") && !text.contains("::follows"),
        "no error of an error: {text}"
    );
    assert_eq!(text.lines().count(), 5, "{text}");
    assert_eq!(lab.lines(), [""; 0]);
    assert!(!lab.store_path().exists());
}

#[test]
fn a_mistake_of_many_records_is_told_once() {
    let lab = Lab::new();
    let experiment = Experiment::new("wrong", |record: &mut Record<u32>| {
        rows(record)?;
        misspelt(record)?;
        if *record.params() == 500 {
            wrong_type(record)?;
        }
        Ok(())
    });
    let records = (0..1000).map(|number| (format!("r{number}"), number));
    let text = experiment.records(records).run(&lab.options()).unwrap_err().chain();
    let [all, one] = text.lines().collect::<Vec<_>>()[..] else { panic!("two lines: {text}") };
    assert!(all.contains("::misspelt` of record `r0`: the input `rwos` is not in"), "{all}");
    assert!(all.ends_with(" (and so in 999 other records: `r1`, `r2`, `r3`, ..)"), "{all}");
    assert!(one.contains("::wrong_type` of record `r500`: ") && !one.contains("and so"), "{one}");
}

#[test]
fn an_output_is_produced_once() {
    let lab = Lab::new();
    let error = run(&lab, |record| {
        rows(record)?;
        other_rows(record)?;
        Ok(())
    });
    let text = error.chain();
    assert!(
        text.contains("::rows`") && text.contains("::other_rows`") && text.contains("::named"),
        "{text}"
    );
    let lab = Lab::new();
    let experiment = Experiment::new("right", |record: &mut Record<()>| {
        rows(record)?;
        other_rows::named(record, ["others"])?;
        Ok(())
    });
    assert_eq!(experiment.record("base", ()).run(&lab.options()).unwrap().ran, 2);
}

#[test]
fn an_inserted_value_makes_a_missing_input_legal() {
    let lab = Lab::new();
    let experiment = Experiment::new("right", |record: &mut Record<u32>| {
        let sum = *record.params();
        record.insert("sum", sum)?;
        follows(record)?;
        Ok(())
    });
    let experiment = experiment.record("one", 1).record("two", 2).record("same", 2);
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!(outcome.ran, 2);
    assert_eq!(*outcome.output::<u32>("same", "double").unwrap().load().unwrap(), 4);
}

#[test]
fn an_inserted_value_wins_over_a_produced_one() {
    let lab = Lab::new();
    let experiment = Experiment::new("right", |record: &mut Record<()>| {
        record.insert("rows", vec![7_u32, 8])?;
        rows(record)?;
        fine(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options()).unwrap();
    assert_eq!(*outcome.output::<usize>("base", "count").unwrap().load().unwrap(), 2);
    assert_eq!(lab.ran(), ["fine"]);
}

#[test]
fn an_error_of_the_pipeline_function_is_told_with_its_record() {
    let lab = Lab::new();
    let error = run(&lab, |record| {
        rows(record)?;
        Err("no such luck".into())
    });
    let text = error.chain();
    assert!(text.contains("`base`") && text.contains("no such luck"), "{text}");
}

#[test]
fn a_branch_is_planned_like_a_record() {
    let lab = Lab::new();
    let experiment = Experiment::new("branches", |record: &mut Record<u32>| {
        rows(record)?;
        let name = format!("{}-wide", record.name());
        let mut wide = record.branch(name, 100);
        fine(&mut wide)?;
        Ok(())
    });
    let experiment = experiment.record("base", 1);
    let plan = experiment.plan(&lab.options()).unwrap();
    assert_eq!(plan.calls[0].records, ["base"]);
    assert_eq!(plan.calls[1].records, ["base-wide"]);
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!(outcome.ran, 2);
}

#[test]
fn an_argument_that_cannot_enter_a_key_is_told_at_planning() {
    let lab = Lab::new();
    #[stage(outputs = [size], cachers = [Json])]
    fn size(file: InputFile) -> usize {
        file.path().as_os_str().len()
    }
    let experiment = Experiment::new("wrong", |record: &mut Record<()>| {
        rows(record)?;
        size(record, InputFile::new("/no/such/file"))?;
        Ok(())
    });
    let error = experiment.record("base", ()).run(&lab.options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(error.chain().contains("/no/such/file"), "{}", error.chain());
    assert_eq!(lab.lines(), [""; 0]);
}

#[test]
fn what_follows_from_an_error_of_the_pipeline_function_is_no_further_mistake() {
    #[aggregate(inputs = [count], outputs = [most], cachers = [Json])]
    fn most(count: Across<usize>) -> usize {
        count.len()
    }
    let lab = Lab::new();
    let experiment = Experiment::new("wrong", |record: &mut Record<u32>| {
        rows(record)?;
        if *record.params() == 1 {
            misspelt(record)?;
            return Err("no such luck".into());
        }
        fine(record)?;
        Ok(())
    });
    let experiment = experiment.record("good", 0).record("bad", 1).aggregate(most);
    let error = experiment.run(&lab.options()).unwrap_err();
    let told = error.to_string();
    let mistakes: Vec<&str> = told.lines().collect();
    assert_eq!(mistakes.len(), 2, "{told}");
    assert!(mistakes[0].contains("the input `rwos` is not in the record's state"), "{told}");
    assert_eq!(
        mistakes[1],
        "record `bad`: the pipeline function failed while declaring: no such luck"
    );
    assert_eq!(lab.lines(), [""; 0]);
}
