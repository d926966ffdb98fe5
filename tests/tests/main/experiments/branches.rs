//! Records that a pipeline function adds while it declares.

use memo_runtime::Verdict;

use crate::common::*;

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    number: u32,
    scale: u32,
}

#[stage(outputs = [data], cachers = [Json])]
fn data(params: &Params) -> u32 {
    params.number
}

#[stage(inputs = [data], outputs = [score], cachers = [Json])]
fn score(params: &Params, data: &u32) -> u32 {
    data * params.scale
}

#[aggregate(inputs = [score], outputs = [board], cachers = [Json])]
fn board(score: Across<u32, Params>) -> Result<Vec<(String, u32, u32)>> {
    let line = |item: memo_runtime::AcrossItem<'_, u32, Params>| {
        Ok((item.record().to_owned(), item.params().scale, *item.load()?))
    };
    score.iter().map(line).collect()
}

#[stage(outputs = [steps], cachers = [Json])]
fn steps(fails: bool) -> Result<u32> {
    if fails { Err("no steps".into()) } else { Ok(2) }
}

/// Each record, and as many branches as a value says that is known only when it was made.
fn pipeline(record: &mut Record<Params>, fails: bool) -> Result<()> {
    data(record)?;
    let mut first = record.branch(format!("{}-x10", record.name()), scaled(record, 10));
    let steps = *steps(record, fails)?.load()?;
    score(&mut first)?;
    for step in 2..=steps {
        let mut branch = record.branch(format!("{}-x{step}", record.name()), scaled(record, step));
        score(&mut branch)?;
    }
    score(record)?;
    Ok(())
}

fn scaled(record: &Record<Params>, scale: u32) -> Params {
    Params { scale, ..record.params().clone() }
}

fn experiment(fails: bool) -> Experiment<Params> {
    Experiment::new("branches", move |record| pipeline(record, fails))
        .record("a", Params { number: 1, scale: 1 })
        .record("b", Params { number: 2, scale: 1 })
        .aggregate(|records| board(records).map(drop))
}

fn line(name: &str, scale: u32, score: u32) -> (String, u32, u32) {
    (name.to_owned(), scale, score)
}

fn shown(outcome: &memo_runtime::Outcome) -> Vec<(String, u32, u32)> {
    let board = outcome.aggregated::<Vec<(String, u32, u32)>>("board").unwrap();
    (*board.load().unwrap()).clone()
}

#[test]
fn aggregates_see_the_records_that_were_added() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let outcome = experiment(false).run(&lab.options().jobs(jobs)).unwrap();
        let a = [line("a", 1, 1), line("a-x10", 10, 10), line("a-x2", 2, 2)];
        let b = [line("b", 1, 2), line("b-x10", 10, 20), line("b-x2", 2, 4)];
        assert_eq!(shown(&outcome), [a, b].concat());
        // What was made before a branch is shared with it.
        let ran = lab.ran_sorted();
        let runs = |stage| ran.iter().filter(|ran| *ran == stage).count();
        assert_eq!((runs("data"), runs("score"), runs("board")), (2, 6, 1));
        assert_eq!(*outcome.output::<u32>("b-x2", "data").unwrap().load().unwrap(), 2);
        let again = experiment(false).run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((again.ran, lab.ran()), (0, Vec::new()));
    }
}

#[test]
fn a_record_that_is_chosen_brings_those_that_it_adds() {
    let lab = Lab::new();
    let outcome = experiment(false).run(&lab.options().records(["b"])).unwrap();
    let names: Vec<_> = shown(&outcome).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["b", "b-x10", "b-x2"]);
}

#[test]
fn a_record_that_another_one_adds_can_be_chosen_alone() {
    // The first one is added before a value is asked for that nobody has made yet, the second one after it.
    for (name, scale) in [("b-x10", 10), ("b-x2", 2)] {
        let lab = Lab::new();
        let outcome = experiment(false).run(&lab.options().records([name])).unwrap();
        assert_eq!(shown(&outcome), [line(name, scale, 2 * scale)]);
        assert_eq!((outcome.ran, outcome.exit_code()), (4, 0), "{outcome:?}");
        let told = lab.recorder().take();
        let started = |event: &memo_runtime::Event| match event {
            memo_runtime::Event::RunStarted { records, calls, .. } => Some((*records, *calls)),
            _ => None,
        };
        assert_eq!(told.iter().find_map(started), Some((1, 4)), "and told once");
        let ran = told.iter().filter_map(|event| match event {
            memo_runtime::Event::Started { stage, .. } => stage.rsplit("::").next(),
            _ => None,
        });
        let mut ran: Vec<_> = ran.collect();
        ran.sort_unstable();
        assert_eq!(ran, ["board", "data", "score", "steps"]);
        let other = outcome.output::<u32>("b", "data").unwrap_err().to_string();
        assert!(other.contains("no record is named `b`"), "{other}");
        // What all records share is there now.
        let outcome = experiment(false).run(&lab.options().records([name, "a"])).unwrap();
        let names: Vec<_> = shown(&outcome).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["a", "a-x10", "a-x2", name]);
    }
}

#[test]
fn a_name_that_nobody_has_is_an_error_that_tells_of_added_records() {
    let lab = Lab::new();
    // What the functions ask for is made to find out.
    let told = experiment(false).run(&lab.options().records(["bx2"])).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Usage);
    assert!(told.to_string().contains("did you mean `b-x2`?"), "{told}");
    assert_eq!(lab.ran(), ["steps"]);
    let told = experiment(false).run(&lab.options().records(["nothing"])).unwrap_err();
    assert!(told.to_string().contains("there are `a`, `b`, `a-x10`, `a-x2`"), "{told}");
    assert_eq!(lab.ran(), [""; 0]);
}

#[test]
fn a_plan_of_a_record_that_may_be_added_says_what_it_waits_for() {
    let lab = Lab::new();
    let plan = experiment(false).plan(&lab.options().records(["b-x2"])).unwrap();
    let unknown: Vec<_> = plan.unknown_beyond.iter().map(|(record, _)| record.as_str()).collect();
    assert_eq!(unknown, ["a", "a-x10", "b", "b-x10"]);
    let waits = Verdict::MayRun { waits_for: vec![concat!(module_path!(), "::steps")] };
    let verdicts: Vec<_> =
        plan.calls.iter().map(|call| (call.stage.rsplit("::").next(), &call.verdict)).collect();
    assert_eq!(verdicts.last(), Some(&(Some("board"), &waits)), "{verdicts:?}");
    assert!(!lab.store_path().exists());
}

/// Scores the record itself first, and then adds others, as many as a value says.
fn late(record: &mut Record<Params>, count: u32) -> Result<()> {
    data(record)?;
    score(record)?;
    for scale in 2..=*counted(record, count)?.load()? {
        let mut branch =
            record.branch(format!("{}-x{scale}", record.name()), scaled(record, scale));
        score(&mut branch)?;
    }
    Ok(())
}

#[stage(outputs = [count], cachers = [Json])]
fn counted(count: u32) -> u32 {
    count
}

#[test]
fn an_aggregate_is_unknown_while_a_record_may_add_others() {
    for added_only in [false, true] {
        let lab = Lab::new();
        let experiment = |count: u32| {
            Experiment::new("late", move |record| late(record, count))
                .record("a", Params { number: 1, scale: 1 })
                .aggregate_where(
                    |records| board(records).map(drop),
                    move |record| !added_only || record.name().contains('x'),
                )
        };
        experiment(1).run(&lab.options()).unwrap();
        let verdict = |count: u32| {
            let plan = experiment(count).plan(&lab.options()).unwrap();
            let board = plan.calls.into_iter().find(|call| call.stage.ends_with("board"));
            (board.unwrap().verdict, plan.unknown_beyond.len())
        };
        assert_eq!(verdict(1), (Verdict::Cached, 0));
        // All that is known so far is what the former run has seen.
        let waits_for = vec![concat!(module_path!(), "::counted")];
        assert_eq!(verdict(2), (Verdict::MayRun { waits_for }, 1));
        let outcome = experiment(2).run(&lab.options()).unwrap();
        let expected = [line("a", 1, 1), line("a-x2", 2, 2)];
        assert_eq!(shown(&outcome), expected[usize::from(added_only)..]);
        assert_eq!(verdict(2), (Verdict::Cached, 0));
    }
}

/// Puts the branch in the place of the record, which is dropped then.
fn replaced(record: &mut Record<Params>) -> Result<()> {
    data(record)?;
    score(record)?;
    let branch = record.branch(format!("{}-x10", record.name()), scaled(record, 10));
    *record = branch;
    score(record)?;
    Ok(())
}

#[test]
fn a_record_that_a_branch_replaces_is_seen_as_it_was() {
    let lab = Lab::new();
    let outcome = Experiment::new("replaced", replaced)
        .record("a", Params { number: 1, scale: 1 })
        .aggregate(|records| board(records).map(drop))
        .run(&lab.options())
        .unwrap();
    assert_eq!(shown(&outcome), [line("a", 1, 1), line("a-x10", 10, 10)]);
    assert_eq!(*outcome.output::<u32>("a", "score").unwrap().load().unwrap(), 1);
    assert_eq!(*outcome.output::<u32>("a-x10", "score").unwrap().load().unwrap(), 10);
}

#[test]
fn two_records_of_one_name_are_an_error() {
    let lab = Lab::new();
    let experiment = Experiment::new("clash", |record: &mut Record<Params>| {
        record.branch("b", record.params().clone());
        Ok(())
    });
    let experiment = experiment.record("a", Params { number: 1, scale: 1 });
    let told = experiment.record("b", Params { number: 2, scale: 1 }).run(&lab.options());
    let told = told.unwrap_err().chain();
    assert!(told.contains("two records are named `b`"), "{told}");
    assert_eq!(lab.lines(), [""; 0]);
}

#[test]
fn a_plan_knows_that_it_does_not_know_what_is_added() {
    let lab = Lab::new();
    let plan = experiment(false).plan(&lab.options()).unwrap();
    let unknown: Vec<_> = plan.unknown_beyond.iter().map(|(record, _)| record.as_str()).collect();
    assert_eq!(unknown, ["a", "a-x10", "b", "b-x10"]);
    assert_eq!(lab.lines(), [""; 0]);
}

#[test]
fn a_failure_while_declaring_costs_the_branches_of_its_record() {
    let lab = Lab::new();
    let experiment = Experiment::new("branches", |record: &mut Record<Params>| {
        pipeline(record, record.params().number == 1)
    });
    let experiment = experiment
        .record("a", Params { number: 1, scale: 1 })
        .record("b", Params { number: 2, scale: 1 })
        .aggregate_where(
            |records| board(records).map(drop),
            |record| record.name().starts_with('b'),
        );
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!(outcome.failed, 1);
    let names: Vec<_> = shown(&outcome).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["b", "b-x10", "b-x2"]);
}
