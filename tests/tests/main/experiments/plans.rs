//! Plans: what would happen, and that nothing does.

use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::{MissReason, Plan, Verdict};

use crate::common::*;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Params {
    count: u32,
    rate: f64,
    unread: u32,
}

static PIPELINES: AtomicUsize = AtomicUsize::new(0);

#[stage(outputs = [rows], cachers = [Json])]
fn rows(params: &Params) -> Vec<u32> {
    (0..params.count).collect()
}

#[stage(inputs = [rows], outputs = [total])]
fn total(rows: &[u32]) -> u32 {
    rows.iter().sum()
}

#[stage(inputs = [total], outputs = [scaled], cachers = [Json])]
fn scale(params: &Params, total: &u32, plus: u32) -> f64 {
    params.rate * f64::from(total + plus)
}

#[aggregate(inputs = [scaled], outputs = [all], cachers = [Json])]
fn all(scaled: Across<f64>) -> usize {
    scaled.len()
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    rows(record)?;
    total(record)?;
    scale(record, 1)?;
    Ok(())
}

fn experiment(rate: f64) -> Experiment<Params> {
    let params = Params { count: 3, rate, unread: 0 };
    Experiment::new("plans", pipeline)
        .record("base", params.clone())
        .record("other", Params { unread: 9, ..params })
        .aggregate(all)
}

fn verdicts(plan: &Plan) -> Vec<(&str, String)> {
    let short = |stage: &'static str| stage.rsplit("::").next().unwrap();
    let text = |verdict: &Verdict| match verdict {
        Verdict::Cached => "cached".to_owned(),
        Verdict::WillRun { reason } => format!("will run: {reason}"),
        Verdict::MayRun { waits_for } => {
            let names: Vec<&str> = waits_for.iter().map(|stage| short(stage)).collect();
            format!("may run: {}", names.join(", "))
        }
        Verdict::NotNeeded => "not needed".to_owned(),
    };
    plan.calls.iter().map(|call| (short(call.stage), text(&call.verdict))).collect()
}

#[test]
fn a_plan_makes_no_folder_and_runs_nothing() {
    let lab = Lab::new();
    let plan = experiment(0.5).plan(&lab.options()).unwrap();
    assert_eq!(plan.experiment, "plans");
    assert!(!lab.store_path().exists());
    assert_eq!(lab.lines(), [""; 0]);
    let verdicts = verdicts(&plan);
    assert_eq!(verdicts.len(), 4, "both records share everything");
    assert_eq!(verdicts[0], ("rows", "will run: never ran".to_owned()));
    assert_eq!(verdicts[1], ("total", "may run: rows".to_owned()));
    assert!(verdicts[2].1.starts_with("may run"), "{verdicts:?}");
    assert_eq!(plan.calls[0].records, ["base", "other"]);
    assert!(plan.calls[3].records.is_empty(), "an aggregate");
    assert!(plan.unknown_beyond.is_empty());
}

#[test]
fn a_plan_tells_hits_and_reasons() {
    let lab = Lab::new();
    experiment(0.5).run(&lab.options()).unwrap();
    let before = memo_tests::files_below(&lab.store_path());
    let plan = experiment(0.5).plan(&lab.options()).unwrap();
    let texts: Vec<_> = verdicts(&plan).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["cached", "not needed", "cached", "cached"]);
    assert!(plan.calls[0].key.is_some() && plan.calls[0].seconds.is_some());
    assert_eq!(plan.calls[0].parts, ["params.count = 3"]);
    assert_eq!(plan.calls[2].parts, ["params.rate = 0.5", "plus = 1"]);

    let plan = experiment(0.25).plan(&lab.options()).unwrap();
    let texts: Vec<_> = verdicts(&plan).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts[0], "cached");
    assert!(texts[1].starts_with("will run: ") && !texts[1].contains("never"), "{texts:?}");
    assert_eq!(texts[2], "will run: params.rate 0.5 → 0.25");
    assert_eq!(texts[3], "may run: scale");
    assert_eq!(memo_tests::files_below(&lab.store_path()), before, "nothing is written");
}

#[test]
fn a_plan_tells_the_same_reason_unobserved() {
    let lab = Lab::new();
    experiment(0.5).run(&lab.options()).unwrap();
    let unobserved = RunOptions::new().store(lab.store_path());
    let plan = experiment(0.25).plan(&unobserved).unwrap();
    assert_eq!(verdicts(&plan)[2].1, "will run: params.rate 0.5 → 0.25");
}

#[test]
fn a_plan_knows_what_is_forced_and_what_is_not_cached() {
    let lab = Lab::new();
    experiment(0.5).run(&lab.options()).unwrap();
    let plan = experiment(0.5).plan(&lab.options().force(["rows"])).unwrap();
    assert_eq!(plan.calls[0].verdict, Verdict::WillRun { reason: MissReason::Forced });
    let plan = experiment(0.5).plan(&lab.options().no_cache(["scale"])).unwrap();
    let reason = MissReason::NotCached { by: "the run" };
    assert_eq!(plan.calls[2].verdict, Verdict::WillRun { reason });
    let MissReason::DependsOnUncached { stage } = (match &plan.calls[3].verdict {
        Verdict::WillRun { reason } => reason.clone(),
        other => panic!("{other:?}"),
    }) else {
        panic!("{:?}", plan.calls[3]);
    };
    assert!(stage.ends_with("::scale"));
}

#[test]
fn a_plan_of_some_records_or_until_a_stage_has_just_those() {
    let lab = Lab::new();
    let plan = experiment(0.5).plan(&lab.options().until("total")).unwrap();
    assert_eq!(
        verdicts(&plan).iter().map(|(stage, _)| *stage).collect::<Vec<_>>(),
        ["rows", "total"]
    );
    let plan = experiment(0.5).plan(&lab.options().records(["other"])).unwrap();
    assert_eq!(plan.calls[0].records, ["other"]);
}

#[test]
fn the_pipeline_function_runs_once_for_each_record() {
    let lab = Lab::new();
    let counting = |record: &mut Record<Params>| {
        PIPELINES.fetch_add(1, Ordering::SeqCst);
        pipeline(record)
    };
    let experiment = Experiment::new("plans", counting)
        .record("a", Params::default())
        .record("b", Params::default());
    experiment.plan(&lab.options()).unwrap();
    assert_eq!(PIPELINES.swap(0, Ordering::SeqCst), 2);
    experiment.run(&lab.options()).unwrap();
    assert_eq!(PIPELINES.swap(0, Ordering::SeqCst), 2);
}

#[stage(inputs = [number], outputs = [number], cachers = [Json])]
fn step(number: &u32) -> u32 {
    number + 1
}

#[test]
fn a_long_chain_is_planned_and_dropped() {
    let lab = Lab::new();
    let chain = |length: usize| {
        Experiment::new("chain", move |record: &mut Record<()>| {
            record.insert("number", 0_u32)?;
            for index in 0..length {
                let name = format!("n{index}");
                step::named(record, [name.clone()])?;
                record.alias("number", &name)?;
            }
            Ok(())
        })
        .record("base", ())
    };
    let plan = chain(20_000).plan(&lab.options()).unwrap();
    assert_eq!(plan.calls.len(), 20_000);
    let outcome = chain(200).run(&lab.options()).unwrap();
    assert_eq!(*outcome.output::<u32>("base", "number").unwrap().load().unwrap(), 200);
}

#[stage(outputs = [text], cachers = [Json])]
fn read_behind() -> Result<String> {
    Ok(std::fs::read_to_string("/dev/null")?)
}

#[stage(outputs = [other], cachers = [Json])]
fn read_openly(file: &InputFile) -> Result<String> {
    Ok(std::fs::read_to_string(file.path())?)
}

#[test]
fn a_plan_notes_what_is_read_behind_the_key() {
    let lab = Lab::new();
    let file = lab.write("rows.txt", "1");
    let experiment = Experiment::new("files", move |record: &mut Record<()>| {
        read_behind(record)?;
        read_openly(record, &InputFile::new(&file))?;
        Ok(())
    });
    let plan = experiment.record("base", ()).plan(&lab.options()).unwrap();
    let note = "`read_behind` reads files (`fs::read_to_string` in its body): take them as `InputFile` or `InputDir`";
    assert_eq!(plan.calls[0].notes, [note]);
    assert_eq!(plan.calls[1].notes, [""; 0]);
}
