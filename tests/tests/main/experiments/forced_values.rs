//! Pipeline functions that look at values while they declare.

use crate::common::*;

#[stage(outputs = [count], cachers = [Json])]
fn count(params: &u32) -> u32 {
    *params
}

#[stage(inputs = [count], outputs = [kind])]
fn kind(count: &u32) -> String {
    if *count > 10 { "many".to_owned() } else { "few".to_owned() }
}

#[stage(inputs = [count], outputs = [many], cachers = [Json])]
fn for_many(count: &u32) -> u32 {
    count * 2
}

#[stage(inputs = [count], outputs = [few], cachers = [Json])]
fn for_few(count: &u32) -> u32 {
    count * 3
}

#[stage(outputs = [unrelated], cachers = [Json])]
fn unrelated(params: &u32) -> u32 {
    *params
}

fn pipeline(record: &mut Record<u32>) -> Result<()> {
    unrelated(record)?;
    count(record)?;
    let kind = kind(record)?.load()?;
    if *kind == "many" {
        for_many(record)?;
    } else {
        for_few(record)?;
    }
    Ok(())
}

fn experiment() -> Experiment<u32> {
    Experiment::new("looks", pipeline).record("small", 1).record("large", 100)
}

#[test]
fn a_forced_value_decides_what_is_declared() {
    for jobs in [1, 8] {
        let lab = Lab::new();
        let outcome = experiment().run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!(*outcome.output::<u32>("small", "few").unwrap().load().unwrap(), 3);
        assert_eq!(*outcome.output::<u32>("large", "many").unwrap().load().unwrap(), 200);
        assert!(outcome.output::<u32>("large", "few").is_err());
        assert_eq!((outcome.ran, outcome.failed), (8, 0));
        let outcome = experiment().run(&lab.options().jobs(jobs)).unwrap();
        // What lives in memory is made again, since the function looks at it.
        assert_eq!((outcome.ran, outcome.cached), (2, 6));
    }
}

#[test]
fn just_what_the_value_needs_is_forced() {
    let lab = Lab::new();
    experiment().run(&lab.options().jobs(1)).unwrap();
    let ran = lab.ran();
    assert_eq!(ran[..4], ["count", "kind", "count", "kind"], "`unrelated` waits: {ran:?}");
}

#[test]
fn under_a_plan_a_forced_value_ends_the_declaration() {
    let lab = Lab::new();
    let plan = experiment().plan(&lab.options()).unwrap();
    assert_eq!(lab.lines(), [""; 0]);
    assert!(!lab.store_path().exists());
    let records: Vec<_> = plan.unknown_beyond.iter().map(|(record, _)| record.as_str()).collect();
    assert_eq!(records, ["small", "large"]);
    let stages: Vec<_> = plan.unknown_beyond.iter().map(|(_, stage)| stage.as_str()).collect();
    assert!(stages.iter().all(|stage| stage.contains("forced_values::")), "{stages:?}");
    let declared = plan.calls.iter().filter(|call| call.stage.ends_with("::unrelated")).count();
    assert_eq!(declared, 2, "what came before is planned");
}

#[stage(outputs = [fails], cachers = [Json])]
fn fails() -> Result<u32> {
    Err("there is no value".into())
}

#[test]
fn a_forced_value_that_fails_fails_its_record_alone() {
    let lab = Lab::new();
    let experiment = Experiment::new("looks", |record: &mut Record<u32>| {
        count(record)?;
        if *record.params() == 13 {
            fails(record)?.load()?;
        }
        Ok(())
    });
    let experiment = experiment.record("fine", 1).record("unlucky", 13);
    match experiment.run(&lab.options()) {
        Ok(outcome) => {
            assert_eq!((outcome.failed, outcome.exit_code()), (1, 1));
            assert_eq!(*outcome.output::<u32>("fine", "count").unwrap().load().unwrap(), 1);
            let text = outcome.failures[0].chain();
            assert!(text.contains("there is no value") && text.contains("unlucky"), "{text}");
        }
        Err(error) => panic!("a failed stage is no error of the run: {}", error.chain()),
    }
}

#[test]
fn a_digest_forces_as_well() {
    let lab = Lab::new();
    let experiment = Experiment::new("looks", |record: &mut Record<u32>| {
        let digest = count(record)?.digest()?;
        record.insert("digest", digest.to_string())?;
        Ok(())
    });
    let outcome = experiment.record("base", 5).run(&lab.options()).unwrap();
    assert_eq!(outcome.ran, 1);
    assert_eq!(lab.ran(), ["count"]);
}

#[aggregate(inputs = [few], outputs = [all], cachers = [Json])]
fn all(few: Across<u32>) -> usize {
    few.len()
}

#[test]
fn an_aggregate_over_a_record_that_ended_early_is_no_mistake_under_a_plan() {
    let lab = Lab::new();
    let experiment = Experiment::new("looks", pipeline).record("small", 1).aggregate(all);
    let plan = experiment.plan(&lab.options()).unwrap();
    assert_eq!(plan.unknown_beyond.len(), 1);
    assert_eq!(experiment.run(&lab.options()).unwrap().failed, 0);
}

#[test]
fn an_aggregate_over_a_record_that_ended_early_is_skipped_in_a_run() {
    let lab = Lab::new();
    let experiment = Experiment::new("looks", |record: &mut Record<u32>| {
        count(record)?;
        if *record.params() == 13 {
            fails(record)?.load()?;
        }
        for_few(record)?;
        Ok(())
    });
    let experiment = experiment.record("fine", 1).record("unlucky", 13).aggregate(all);
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.failed, outcome.exit_code()), (1, 1));
    assert_eq!(*outcome.output::<u32>("fine", "few").unwrap().load().unwrap(), 3);
}
