//! The plan as data, and drawn.

use std::fs;
use std::process::ExitCode;

use memo_runtime::Source;

use crate::common::*;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Params {
    rate: u32,
}

#[stage(outputs = [rows], cachers = [Json])]
fn rows(from: u32) -> Vec<u32> {
    (from..9).collect()
}

#[stage(inputs = [rows, bias], outputs = [model, loss], cachers = [Json])]
fn fit(params: &Params, rows: &[u32], bias: &u32) -> Result<(u32, u32)> {
    if params.rate > 8 {
        return Err("too fast".into());
    }
    Ok((u32::try_from(rows.len())? * params.rate, *bias))
}

#[stage(inputs = [model], outputs = [score])]
fn score(model: &u32) -> u32 {
    *model
}

#[aggregate(inputs = [score], outputs = [best], cachers = [Json])]
fn best(score: Across<Option<u32>>) -> usize {
    score.len()
}

fn experiment(rates: &[u32]) -> Experiment<Params> {
    let records = rates.iter().map(|&rate| (format!("rate-{rate}"), Params { rate }));
    let pipeline = |record: &mut Record<Params>| {
        record.insert("bias", 5u32)?;
        rows(record, 3)?;
        fit(record)?;
        score(record)?;
        Ok(())
    };
    Experiment::new("graphs", pipeline).records(records.collect::<Vec<_>>()).aggregate(best)
}

#[test]
fn a_plan_says_what_each_call_reads_and_gives() {
    let lab = Lab::new();
    let plan = experiment(&[1, 2]).plan(&lab.options()).unwrap();
    let reads = |call: usize| {
        let input = |input: &memo_runtime::PlannedInput| {
            let source = match &input.source {
                Source::Call { call, output } => format!("{call}.{output}"),
                Source::Inserted { .. } => "inserted".to_owned(),
                other => format!("{other:?}"),
            };
            let record = input.record.iter().map(|record| format!(" of {record}"));
            format!("{}{} = {source}", input.name, record.collect::<String>())
        };
        plan.calls[call].inputs.iter().map(input).collect::<Vec<_>>()
    };
    assert!(plan.calls.iter().enumerate().all(|(place, call)| call.id == place));
    assert_eq!(reads(0), [""; 0]);
    assert_eq!(reads(1), ["rows = 0.rows", "bias = inserted"]);
    assert_eq!(reads(2), ["model = 1.model"]);
    assert_eq!(reads(3), ["rows = 0.rows", "bias = inserted"]);
    assert_eq!(reads(5), ["score of rate-1 = 2.score", "score of rate-2 = 4.score"]);
    let outputs = |call: usize| {
        let outputs = plan.calls[call].outputs.iter();
        outputs.map(|output| (output.name, output.kept)).collect::<Vec<_>>()
    };
    assert_eq!(outputs(1), [("model", true), ("loss", true)]);
    assert_eq!(outputs(2), [("score", false)], "it lives in memory");
}

fn main_with(lab: &Lab, rates: &[u32], arguments: &[&str]) -> ExitCode {
    let store = lab.store_path().into_os_string();
    let words = ["graphs", "--quiet"].iter().chain(arguments).map(|word| (*word).into());
    experiment(rates).main_with(words.chain(["--store".into(), store]))
}

#[test]
fn a_graph_shows_what_would_happen_and_what_did() {
    let lab = Lab::new();
    let path = lab.path("plan.dot");
    let graph = ["--graph", path.to_str().unwrap()];
    let drawn = || fs::read_to_string(&path).unwrap();
    let has = |text: &str, parts: &[&str]| {
        for part in parts {
            assert!(text.contains(part), "{part} in {text}");
        }
    };

    let code = main_with(&lab, &[1, 2, 9], &["--plan", graph[0], graph[1]]);
    assert_eq!(code, ExitCode::SUCCESS);
    assert!(!lab.store_path().exists(), "a plan runs nothing");
    has(
        &drawn(),
        &["\"rows\\nwill run\"", "\"fit × 3\\nmay run\"", "\"bias\"", "[label=\"model\"]"],
    );

    let code = main_with(&lab, &[1, 2, 9], &graph);
    assert_eq!(code, ExitCode::FAILURE);
    has(
        &drawn(),
        &[
            "\"rows\\nran\"",
            "\"fit × 2\\nran\"",
            "\"fit\\nfailed\"",
            "\"score\\nskipped\"",
            "too fast",
        ],
    );

    main_with(&lab, &[1, 2, 9], &graph);
    has(&drawn(), &["\"rows\\ncached\"", "\"fit × 2\\ncached\"", "\"best\\ncached\""]);
}

#[test]
fn nothing_runs_where_the_graph_cannot_be_drawn() {
    let lab = Lab::new();
    for name in ["none/plan.svg", "plan.png"] {
        let path = lab.path(name);
        let code = main_with(&lab, &[1], &["--graph", path.to_str().unwrap()]);
        assert_eq!(code, ExitCode::from(2));
    }
    assert!(!lab.store_path().exists());
}

#[stage(each = [x in xs], outputs = [half], cachers = [Json])]
fn halve(params: &Params, x: u32) -> Result<u32> {
    if x == params.rate { Err("odd one".into()) } else { Ok(x / 2) }
}

#[test]
fn a_box_of_arrays_counts_their_shards() {
    let lab = Lab::new();
    let path = lab.path("arrays.mmd");
    let run = |most: u32, rates: &[u32], plan: &[&str]| {
        let records = rates.iter().map(|&rate| (format!("rate-{rate}"), Params { rate }));
        let experiment = Experiment::new("arrays", move |record: &mut Record<Params>| {
            record.insert("xs", (0..most).collect::<Vec<_>>())?;
            halve(record)?;
            Ok(())
        });
        let experiment = experiment.records(records.collect::<Vec<_>>());
        let store = lab.store_path().into_os_string();
        let words = ["arrays", "--quiet", "--graph", path.to_str().unwrap()];
        let words = words.iter().chain(plan).map(|word| (*word).into());
        experiment.main_with(words.chain(["--store".into(), store]));
        fs::read_to_string(&path).unwrap()
    };
    let has = |text: &str, part: &str| assert!(text.contains(part), "{part} in {text}");
    has(&run(3, &[7, 8], &["--plan"]), "halve × 2<br/>will run, 0 of 6 shards cached");
    has(&run(3, &[7, 8], &[]), "halve × 2<br/>ran, 0 of 6 shards cached");
    has(&run(4, &[7, 8], &["--plan"]), "halve × 2<br/>will run, 6 of 8 shards cached");
    has(&run(3, &[7, 8], &[]), "halve × 2<br/>cached, 6 of 6 shards cached");
    has(&run(9, &[7, 8], &[]), "halve × 2<br/>failed, 6 of 18 shards cached, 2 failed");
}
