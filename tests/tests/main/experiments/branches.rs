//! Records that a pipeline function adds while it declares.

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
    let told = experiment(false).run(&lab.options().records(["b-x2"])).unwrap_err().chain();
    assert!(told.contains("no record is named `b-x2`; there are `a`, `b`"), "{told}");
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
