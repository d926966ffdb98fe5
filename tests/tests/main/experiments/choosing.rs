//! Which records run, with which params, and how much of them.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::*;

#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
struct Params {
    rate: f64,
    hidden: u32,
    train: Train,
    name: String,
}

#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
struct Train {
    rounds: u32,
    limit: Option<u32>,
}

#[stage(outputs = [data], cachers = [Json])]
fn data() -> u32 {
    1
}

#[stage(inputs = [data], outputs = [model], cachers = [Json])]
fn fit(params: &Params, data: &u32) -> String {
    let Train { rounds, limit } = &params.train;
    format!("{} {} {rounds} {limit:?} {} {data}", params.rate, params.hidden, params.name)
}

#[stage(inputs = [model], outputs = [score], cachers = [Json])]
fn evaluate(model: &str) -> usize {
    model.len()
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    data(record)?;
    fit(record)?;
    evaluate(record)?;
    Ok(())
}

fn two_records() -> Experiment<Params> {
    let wide = Params { hidden: 100, ..Params::default() };
    Experiment::new("digits", pipeline).record("base", Params::default()).record("wide", wide)
}

fn model(outcome: &memo_runtime::Outcome, record: &str) -> String {
    (*outcome.output::<String>(record, "model").unwrap().load().unwrap()).clone()
}

#[test]
fn a_grid_names_its_records_by_what_varies() {
    let lab = Lab::new();
    let grid = grid(Params::default()).over("hidden", [32, 64]).over("train.rounds", [1, 2]);
    let experiment =
        Experiment::new("digits", pipeline).records(grid).record("x", Params::default());
    let plan = experiment.plan(&lab.options()).unwrap();
    let of_fit = plan.calls.iter().filter(|call| call.stage.ends_with("::fit"));
    let records: Vec<_> = of_fit.flat_map(|call| call.records.clone()).collect();
    assert_eq!(
        records,
        [
            "hidden=32,train.rounds=1",
            "hidden=32,train.rounds=2",
            "hidden=64,train.rounds=1",
            "hidden=64,train.rounds=2",
            "x"
        ]
    );
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!(model(&outcome, "hidden=64,train.rounds=2"), "0 64 2 None  1");
    let options = lab.options().set("hidden", "7");
    let error = experiment.run(&options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "a field that varies cannot be set");
    assert!(experiment.run(&options.records(["x"])).is_ok());
}

#[test]
fn a_mistake_in_a_grid_is_told_before_anything_runs() {
    let lab = Lab::new();
    let grid = grid(Params::default()).over("hiden", [32]);
    let error = Experiment::new("digits", pipeline).records(grid).run(&lab.options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("did you mean `hidden`?"), "{error}");
    assert_eq!(lab.lines(), [""; 0]);
}

#[test]
fn records_are_chosen_by_name() {
    let lab = Lab::new();
    let outcome = two_records().run(&lab.options().records(["wide"])).unwrap();
    assert_eq!((outcome.ran, model(&outcome, "wide").as_str()), (3, "0 100 0 None  1"));
    assert!(outcome.output::<String>("base", "model").is_err());
    let error = two_records().run(&lab.options().records(["wdie"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("did you mean `wide`?"), "{error}");
}

#[test]
fn fields_are_set_for_all_records() {
    let lab = Lab::new();
    let options =
        lab.options().set("rate", "0.25").set("train.limit", "7").set("name", "plain text");
    let outcome = two_records().run(&options).unwrap();
    assert_eq!(model(&outcome, "base"), "0.25 0 0 Some(7) plain text 1");
    assert_eq!(model(&outcome, "wide"), "0.25 100 0 Some(7) plain text 1");
    for (field, value, near) in
        [("rat", "1", "`rate`"), ("train.round", "1", "rounds`"), ("hidden", "many", "many")]
    {
        let error = two_records().run(&lab.options().set(field, value)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.chain().contains(near), "{}", error.chain());
    }
}

#[test]
fn fields_are_laid_over_all_records() {
    #[derive(Serialize)]
    struct Overlay {
        rate: f64,
        train: Rounds,
    }
    #[derive(Serialize)]
    struct Rounds {
        rounds: u32,
    }
    let lab = Lab::new();
    let overlay = Overlay { rate: 0.5, train: Rounds { rounds: 9 } };
    let overlay = serde_json::to_value(overlay).unwrap();
    let options = lab.options().params(overlay).set("rate", "0.75");
    let outcome = two_records().run(&options).unwrap();
    assert_eq!(model(&outcome, "wide"), "0.75 100 9 None  1", "`set` beats the overlay");
    let unknown = serde_json::json!({ "train": { "round": 1 } });
    let error = two_records().run(&lab.options().params(unknown)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.chain().contains("rounds"), "{}", error.chain());
}

#[test]
fn until_runs_only_what_a_stage_needs() {
    let lab = Lab::new();
    let outcome = two_records().run(&lab.options().until("fit")).unwrap();
    assert_eq!(outcome.ran, 3);
    assert_eq!(lab.ran_sorted(), ["data", "fit", "fit"]);
    let outcome = two_records().run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (2, 3));
    let error = two_records().run(&lab.options().until("fti")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("did you mean `fit`?"), "{error}");
}

#[test]
fn forced_stages_run_again_and_are_kept() {
    let lab = Lab::new();
    two_records().run(&lab.options()).unwrap();
    lab.lines();
    let outcome = two_records().run(&lab.options().force(["fit"])).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (2, 3), "equal bytes: what follows is a hit");
    assert_eq!(lab.reasons(), [const { memo_runtime::MissReason::Forced }; 2]);
    let outcome = two_records().run(&lab.options().force([""; 0])).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (5, 0));
    assert!(two_records().run(&lab.options().force(["nothing"])).is_err());
    assert!(two_records().run(&lab.options().no_cache(["fitt"])).is_err());
    let outcome = two_records().run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (0, 5));
}

#[test]
fn names_of_stages_need_no_second_declaration() {
    static DECLARED: AtomicU32 = AtomicU32::new(0);
    let lab = Lab::new();
    let experiment = Experiment::new("looks", |record: &mut Record<Params>| {
        DECLARED.fetch_add(1, Ordering::SeqCst);
        // The stages behind this value are known only once it is there.
        if *data(record)?.load()? > 0 {
            fit(record)?;
        }
        Ok(())
    });
    let experiment = experiment.record("base", Params::default());
    experiment.run(&lab.options().no_cache(["data"]).force(["fit"])).unwrap();
    assert_eq!(
        (DECLARED.load(Ordering::SeqCst), lab.ran()),
        (1, vec!["data".into(), "fit".into()])
    );
}

#[test]
fn any_unique_end_of_a_name_finds_a_stage() {
    let lab = Lab::new();
    let full = concat!(module_path!(), "::fit");
    for name in ["fit", "choosing::fit", full] {
        assert_eq!(two_records().run(&lab.options().force([name])).unwrap().failed, 0);
    }
    assert!(two_records().run(&lab.options().force(["osing::fit"])).is_err());
}

static VALUE: AtomicU32 = AtomicU32::new(1);

#[stage(outputs = [number], cachers = [Json])]
fn changing() -> u32 {
    VALUE.load(Ordering::SeqCst)
}

#[stage(inputs = [number], outputs = [double], cachers = [Json])]
fn double(number: &u32) -> u32 {
    number * 2
}

#[test]
fn forcing_leaves_nothing_stale_and_tells_what_is_not_deterministic() {
    let lab = Lab::new();
    let experiment = Experiment::new("changing", |record: &mut Record<()>| {
        changing(record)?;
        double(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", ());
    let run = |options: RunOptions| {
        let outcome = experiment.run(&options).unwrap();
        *outcome.output::<u32>("base", "double").unwrap().load().unwrap()
    };
    assert_eq!(run(lab.options()), 2);
    VALUE.store(21, Ordering::SeqCst);
    assert_eq!(run(lab.options()), 2);
    lab.lines();
    assert_eq!(run(lab.options().force(["changing"])), 42);
    let lines = lab.lines();
    assert!(lines.iter().any(|line| line.contains("not deterministic")), "{lines:?}");
    assert_eq!(run(lab.options()), 42);
    assert_eq!(lab.ran(), [""; 0]);
}

#[test]
fn records_of_one_name_and_no_records_are_refused() {
    let lab = Lab::new();
    let twice = two_records().record("wide", Params::default());
    let error = twice.run(&lab.options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("two records are named `wide`"), "{error}");
    assert!(Experiment::new("digits", pipeline).run(&lab.options()).is_err());
    assert!(!lab.store_path().exists());
}
