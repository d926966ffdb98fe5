//! `start` in the pipeline function of an experiment.

use super::*;

#[test]
fn in_an_experiment_a_started_call_is_declared_like_any() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let inner = gate.clone();
    let experiment = Experiment::new("starts", move |record: &mut Record<()>| {
        let call = number::start(record, 1, inner.clone())?;
        assert!(matches!(call.status(), CallStatus::Pending { .. }), "{call:?}");
        call.cancel();
        doubled(record, inner.clone())?;
        Ok(())
    });
    let experiment = experiment.record("base", ());
    assert_eq!(experiment.plan(&lab.options()).unwrap().calls.len(), 2);
    assert_eq!(gate.arrived(), 0);
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (2, 0));
    assert_eq!(*outcome.output::<u32>("base", "doubled").unwrap().load().unwrap(), 4);
}

#[test]
fn waiting_while_declaring_runs_just_what_is_needed() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let experiment = Experiment::new("waits", move |record: &mut Record<()>| {
        number::start(record, 1, gate.clone())?;
        let call = doubled::start(record, gate.clone())?;
        text::start(record, gate.clone())?;
        assert_eq!(*call.wait()?.load()?, 4);
        assert!(call.status().has_succeeded());
        Ok(())
    });
    let experiment = experiment.record("base", ());
    let plan = experiment.plan(&lab.options()).unwrap();
    assert_eq!(plan.unknown_beyond.len(), 1, "{plan:?}");
    assert_eq!(lab.lines(), [""; 0]);
    experiment.run(&lab.options()).unwrap();
    assert_eq!(lab.ran(), ["number", "doubled", "text"]);
}

#[test]
fn a_started_call_that_does_not_fit_is_reported_with_all_others() {
    let lab = Lab::new();
    let experiment = Experiment::new("unfit", |record: &mut Record<()>| {
        let call = doubled::start(record, Gate::opened())?;
        assert!(matches!(call.status(), CallStatus::Failed { .. }), "{call:?}");
        text::start(record, Gate::opened())?;
        Ok(())
    });
    let told = experiment.record("base", ()).run(&lab.options()).unwrap_err().chain();
    assert!(told.contains("the input `number` is not in the record's state"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn on_a_record_of_ones_own_a_call_that_does_not_fit_is_an_error_at_once() {
    let lab = Lab::new();
    let mut record = lab.record(());
    let told = chain(doubled::start(&mut record, Gate::opened()).map(drop));
    assert!(told.contains("the input `number` is not in the record's state"), "{told}");
    // The next call waits as ever.
    number(&mut record, 1, Gate::opened()).unwrap();
    assert_eq!(lab.ran(), ["number"]);
}
