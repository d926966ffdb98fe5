//! What runs beside what, in which order, and with how much in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::Duration;

use memo_runtime::Event;

use crate::common::*;

/// What runs at the moment, and what ran.
#[derive(Default)]
struct Board {
    running: Mutex<Vec<&'static str>>,
    /// What ran beside what, each time something began.
    beside: Mutex<Vec<Vec<&'static str>>>,
}

impl Board {
    fn during<R>(&self, name: &'static str, body: impl FnOnce() -> R) -> R {
        {
            let mut running = self.running.lock().unwrap();
            running.push(name);
            self.beside.lock().unwrap().push(running.clone());
        }
        let value = body();
        let mut running = self.running.lock().unwrap();
        let place = running.iter().position(|other| *other == name).unwrap();
        running.remove(place);
        value
    }
}

#[stage(outputs = [a], cachers = [Json])]
fn top() -> u32 {
    1
}

#[stage(inputs = [a], outputs = [b], cachers = [Json], skip = [both])]
fn left(a: &u32, both: Arc<Barrier>) -> u32 {
    both.wait();
    a + 1
}

#[stage(inputs = [a], outputs = [c], cachers = [Json], skip = [both])]
fn right(a: &u32, both: Arc<Barrier>) -> u32 {
    both.wait();
    a + 2
}

#[stage(inputs = [b, c], outputs = [d], cachers = [Json])]
fn bottom(b: &u32, c: &u32) -> u32 {
    b * c
}

#[test]
fn both_sides_of_a_diamond_run_at_the_same_time() {
    let lab = Lab::new();
    let both = Arc::new(Barrier::new(2));
    let experiment = Experiment::new("diamond", move |record: &mut Record<()>| {
        top(record)?;
        left(record, Arc::clone(&both))?;
        right(record, Arc::clone(&both))?;
        bottom(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options().jobs(2)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (4, 0));
    assert_eq!(*outcome.output::<u32>("base", "d").unwrap().load().unwrap(), 6);
}

#[stage(outputs = [small], skip = [board], resources(cpus = 1))]
fn small(params: &u32, board: Arc<Board>) -> u32 {
    board.during("small", || *params)
}

#[stage(outputs = [large], skip = [board], resources(cpus = 2))]
fn large(params: &u32, board: Arc<Board>) -> u32 {
    board.during("large", || *params)
}

#[stage(outputs = [huge], skip = [board], resources(cpus = 64, gpus = 1, time = "1s", partition = "long"))]
fn huge(params: &u32, board: Arc<Board>) -> u32 {
    board.during("huge", || *params)
}

#[test]
fn a_stage_takes_as_many_jobs_as_it_asks_for() {
    let lab = Lab::new();
    let board = Arc::new(Board::default());
    let shared = Arc::clone(&board);
    let experiment = Experiment::new("cpus", move |record: &mut Record<u32>| {
        small(record, Arc::clone(&shared))?;
        large(record, Arc::clone(&shared))?;
        huge(record, Arc::clone(&shared))?;
        Ok(())
    });
    let records = (0..20).map(|number| (format!("r{number}"), number));
    let outcome = experiment.records(records).run(&lab.options().jobs(3)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (60, 0));
    let cpus = |name: &&str| match *name {
        "small" => 1,
        "large" => 2,
        _ => 3,
    };
    for beside in board.beside.lock().unwrap().iter() {
        assert!(beside.iter().map(cpus).sum::<u32>() <= 3, "{beside:?}");
    }
    let warnings = lab.warnings();
    assert_eq!(warnings, ["it asks for 64 cpus, and there are 3 jobs: it runs alone"], "once");
}

#[stage(outputs = [hungry], skip = [board], resources(memory = "600MiB"))]
fn hungry(params: &u32, board: Arc<Board>) -> u32 {
    board.during("hungry", || *params)
}

#[stage(outputs = [modest], skip = [board], resources(memory = "300MiB"))]
fn modest(params: &u32, board: Arc<Board>) -> u32 {
    board.during("modest", || *params)
}

#[stage(outputs = [greedy], skip = [board], resources(memory = "2GiB"))]
fn greedy(params: &u32, board: Arc<Board>) -> u32 {
    board.during("greedy", || *params)
}

#[test]
fn stages_share_the_memory_of_the_machine() {
    let lab = Lab::new();
    let board = Arc::new(Board::default());
    let shared = Arc::clone(&board);
    let experiment = Experiment::new("memory", move |record: &mut Record<u32>| {
        hungry(record, Arc::clone(&shared))?;
        modest(record, Arc::clone(&shared))?;
        greedy(record, Arc::clone(&shared))?;
        Ok(())
    });
    let records = (0..20).map(|number| (format!("r{number}"), number));
    let options = lab.options().jobs(4).machine_memory(1 << 30);
    let outcome = experiment.records(records).run(&options).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (60, 0));
    let size = |name: &&str| match *name {
        "hungry" => 600,
        "modest" => 300,
        _ => 1024,
    };
    for beside in board.beside.lock().unwrap().iter() {
        assert!(beside.iter().map(size).sum::<u32>() <= 1024, "{beside:?}");
    }
    let warnings = lab.warnings();
    assert_eq!(warnings, ["it asks for 2 GiB of memory, and there are 1 GiB: it runs alone"]);
}

#[stage(outputs = [first], skip = [alive])]
fn first(params: &u32, alive: Arc<Alive>) -> Counted {
    Counted::new(*params, &alive)
}

#[stage(outputs = [second], skip = [alive])]
fn second(params: &u32, alive: Arc<Alive>) -> Counted {
    Counted::new(*params, &alive)
}

#[stage(inputs = [first, second], outputs = [both], cachers = [Json])]
fn both(first: &Counted, second: &Counted) -> u32 {
    first.number + second.number
}

#[aggregate(inputs = [both], outputs = [sum], cachers = [Json])]
fn sum(both: Across<u32>) -> Result<u32> {
    both.iter().map(|item| Ok(*item.load()?)).sum()
}

/// How many values there are, and how many there were at most.
#[derive(Default)]
struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Counted {
    number: u32,
    alive: Arc<Alive>,
}

impl Counted {
    fn new(number: u32, alive: &Arc<Alive>) -> Self {
        let now = alive.now.fetch_add(1, Ordering::SeqCst) + 1;
        alive.most.fetch_max(now, Ordering::SeqCst);
        Self { number, alive: Arc::clone(alive) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn values_do_not_pile_up_before_those_who_read_them() {
    for jobs in [1, 2, 4] {
        let lab = Lab::new();
        let alive = Arc::new(Alive::default());
        let shared = Arc::clone(&alive);
        let experiment = Experiment::new("pile", move |record: &mut Record<u32>| {
            first(record, Arc::clone(&shared))?;
            second(record, Arc::clone(&shared))?;
            both(record)?;
            Ok(())
        });
        let records = (0..100).map(|number| (format!("r{number}"), number));
        let experiment = experiment.records(records).aggregate(sum);
        let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.ran, outcome.failed), (301, 0));
        let most = alive.most.load(Ordering::SeqCst);
        assert!(most <= 3 * jobs + 1, "{jobs} jobs hold {most} values");
    }
}

#[stage(outputs = [big], cachers = [Bytes])]
fn big(params: &u32) -> Vec<u8> {
    vec![u8::try_from(*params).unwrap(); 10_000]
}

#[aggregate(inputs = [big], outputs = [total], cachers = [Json])]
fn total(big: Across<Vec<u8>>) -> Result<usize> {
    big.iter().map(|item| Ok(item.load()?.len())).sum()
}

#[test]
fn no_more_is_held_between_stages_than_the_run_may_hold() {
    for (memory, at_most) in [(None, 20), (Some(50_000), 6), (Some(0), 1)] {
        let lab = Lab::new();
        let experiment = Experiment::new("held", |record: &mut Record<u32>| {
            big(record)?;
            Ok(())
        });
        let records = (0..20).map(|number| (format!("r{number}"), number));
        let options = lab.options().jobs(1);
        let options = memory.map_or(options.clone(), |bytes| options.memory(bytes));
        let outcome = experiment.records(records).aggregate(total).run(&options).unwrap();
        assert_eq!(*outcome.aggregated::<usize>("total").unwrap().load().unwrap(), 200_000);
        let (mut held, mut most) = (0_usize, 0);
        let events = lab.recorder().take();
        let total = |event: &Event| matches!(event, Event::Started { stage, .. } if stage.ends_with("total"));
        for event in events.iter().take_while(|event| !total(event)) {
            match event {
                Event::Finished { .. } => held += 1,
                Event::Evicted { .. } => held -= 1,
                _ => {}
            }
            most = most.max(held);
        }
        assert_eq!(most, at_most, "with {memory:?}");
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Rates {
    share: u32,
    last: u32,
}

#[stage(outputs = [one], cachers = [Json])]
fn one(params: &Rates) -> u32 {
    params.share
}

#[stage(inputs = [one], outputs = [two], cachers = [Json])]
fn two(one: &u32) -> u32 {
    one + 1
}

#[stage(inputs = [two], outputs = [three], cachers = [Json])]
fn three(two: &u32) -> u32 {
    two + 1
}

#[stage(inputs = [three], outputs = [four], cachers = [Json])]
fn four(params: &Rates, three: &u32) -> u32 {
    three + params.last
}

#[test]
fn a_thousand_records_share_what_they_do_not_differ_in() {
    let lab = Lab::new();
    let experiment = Experiment::new("thousand", |record: &mut Record<Rates>| {
        one(record)?;
        two(record)?;
        three(record)?;
        four(record)?;
        Ok(())
    });
    let records = (0..1000).map(|last| (format!("r{last}"), Rates { share: 1, last }));
    let experiment = experiment.records(records);
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (1003, 0));
    lab.lines();
    let plan = experiment.plan(&lab.options()).unwrap();
    assert!(plan.calls.iter().all(|call| call.verdict == memo_runtime::Verdict::Cached));
    assert!(lab.lines().iter().all(|line| line.starts_with("hit ")), "a plan loads nothing");
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (0, 1003));
    assert!(lab.lines().iter().all(|line| line.starts_with("hit ")));
}

#[test]
fn four_thousand_cached_calls_load_nothing() {
    let lab = Lab::new();
    let experiment = Experiment::new("thousand", |record: &mut Record<Rates>| {
        one(record)?;
        two(record)?;
        three(record)?;
        four(record)?;
        Ok(())
    });
    // Values that no two records have in common.
    let records = (0..1000).map(|n| (format!("r{n}"), Rates { share: n * 10_000, last: n }));
    let experiment = experiment.records(records);
    assert_eq!(experiment.run(&lab.options()).unwrap().ran, 4000);
    lab.lines();
    assert_eq!(experiment.plan(&lab.options()).unwrap().calls.len(), 4000);
    assert_eq!(experiment.run(&lab.options()).unwrap().cached, 4000);
    let lines = lab.lines();
    assert_eq!(lines.len(), 8000);
    assert!(lines.iter().all(|line| line.starts_with("hit ")), "neither loads a value");
}

#[stage(outputs = [model], cachers = [Json], skip = [broken])]
fn train(params: &u32, broken: bool) -> Result<u32> {
    if broken && *params == 7 { Err("the seventh fails".into()) } else { Ok(*params) }
}

#[stage(inputs = [model], outputs = [score], cachers = [Json])]
fn score(model: &u32) -> u32 {
    model * 10
}

#[aggregate(inputs = [score], outputs = [leaders], cachers = [Json])]
fn leaders(score: Across<Option<u32>>) -> Result<Vec<(String, u32)>> {
    let present = score.iter().filter_map(|item| match item.present() {
        Ok(value) => value.map(|value| Ok((item.record().to_owned(), *value))),
        Err(error) => Some(Err(error.into())),
    });
    present.collect()
}

#[test]
fn one_failed_record_of_twenty_costs_one_line() {
    let lab = Lab::new();
    let run = |broken: bool| {
        let experiment = Experiment::new("leaders", move |record: &mut Record<u32>| {
            train(record, broken)?;
            score(record)?;
            Ok(())
        });
        let records = (1..=20).map(|number| (format!("r{number}"), number));
        let experiment = experiment.records(records).aggregate(leaders);
        let outcome = experiment.run(&lab.options().jobs(4)).unwrap();
        let leaders = outcome.aggregated::<Vec<(String, u32)>>("leaders").unwrap().load().unwrap();
        (outcome, leaders.len())
    };
    let (outcome, lines) = run(true);
    assert_eq!((lines, outcome.exit_code(), outcome.failures.len()), (19, 1, 1));
    let text = outcome.failures[0].chain();
    assert!(text.contains("`r7`") && text.contains("the seventh fails"), "{text}");
    lab.lines();
    let (outcome, lines) = run(false);
    assert_eq!((lines, outcome.exit_code()), (20, 0));
    assert_eq!(lab.ran_sorted(), ["leaders", "score", "train"]);
}

static STEP: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LONG_BEGUN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

#[stage(outputs = [short], cachers = [Json])]
fn short(n: u32) -> u32 {
    STEP.lock().unwrap().push("short".to_owned());
    // A short one may begin while the long one is still looked up. It then stays until that has begun; the
    // limit is for a queue that never comes to it.
    let begun = LONG_BEGUN.0.lock().unwrap();
    let wait = LONG_BEGUN.1.wait_timeout_while(begun, Duration::from_secs(20), |begun| !*begun);
    drop(wait.unwrap());
    n
}

#[stage(outputs = [long], cachers = [Json])]
fn long(n: u32) -> u32 {
    STEP.lock().unwrap().push("long".to_owned());
    *LONG_BEGUN.0.lock().unwrap() = true;
    LONG_BEGUN.1.notify_all();
    n
}

#[stage(inputs = [long], outputs = [longer], cachers = [Json])]
fn longer(long: &u32) -> u32 {
    STEP.lock().unwrap().push("longer".to_owned());
    *long
}

/// Takes all jobs, so that the order in which calls begin is that of the queue.
#[stage(outputs = [all], resources(cpus = 2))]
fn takes_all() -> u32 {
    1
}

#[test]
fn what_most_work_waits_for_comes_first() {
    let lab = Lab::new();
    let experiment = Experiment::new("order", |record: &mut Record<()>| {
        for n in 0..6 {
            short::named(record, [format!("s{n}")], n)?;
        }
        long(record, 1)?;
        longer(record)?;
        takes_all(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options().jobs(2)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (9, 0));
    let order = STEP.lock().unwrap();
    let long = order.iter().position(|name| name == "long").unwrap();
    assert!(long <= 1, "one of the first two, though it was declared last: {order:?}");
}
