//! `expires`: an entry is served for a time, counted from its completion.

use std::sync::atomic::{AtomicU32, Ordering};

use memo_runtime::MissReason;
use memo_tests::age;

use crate::common::*;

const HOUR: i64 = 3_600_000;

static WEATHER: AtomicU32 = AtomicU32::new(20);

#[stage(outputs = [degrees], cachers = [Json], expires = "7d")]
fn weather(town: &str) -> u32 {
    let _ = town;
    WEATHER.load(Ordering::SeqCst)
}

#[stage(inputs = [degrees], outputs = [advice], cachers = [Json])]
fn advise(degrees: &u32) -> String {
    if *degrees > 25 { "hat".to_owned() } else { "coat".to_owned() }
}

#[stage(done = true, expires = "1h30m")]
fn remind() {}

fn age_all(lab: &Lab, milliseconds: i64) {
    lab.entries().iter().for_each(|entry| age(entry, milliseconds));
}

#[test]
fn an_entry_is_served_until_it_is_too_old() {
    let lab = Lab::new();
    remind(&mut lab.record(())).unwrap();
    age_all(&lab, HOUR);
    remind(&mut lab.record(())).unwrap();
    assert_eq!(lab.ran(), ["remind"], "an hour is less than one and a half");
    age_all(&lab, HOUR);
    remind(&mut lab.record(())).unwrap();
    let reasons = lab.reasons();
    assert!(matches!(reasons[..], [MissReason::Expired { after: 5_400_000, .. }]), "{reasons:?}");
    assert_eq!(reasons[0].to_string(), "expired: it is served for 90 min");
    remind(&mut lab.record(())).unwrap();
    assert_eq!(lab.ran(), [""; 0], "it was renewed");
}

#[test]
fn one_from_the_future_has_no_known_age() {
    let lab = Lab::new();
    remind(&mut lab.record(())).unwrap();
    lab.ran();
    age_all(&lab, -10_000);
    remind(&mut lab.record(())).unwrap();
    assert_eq!(lab.ran(), [""; 0], "the clocks of two machines differ a little");
    age_all(&lab, -HOUR);
    remind(&mut lab.record(())).unwrap();
    assert_eq!(lab.ran(), ["remind"]);
}

#[test]
fn a_record_that_lives_on_asks_again() {
    let lab = Lab::new();
    let record = &mut lab.record(());
    remind(record).unwrap();
    age_all(&lab, 2 * HOUR);
    remind(&mut lab.record(())).unwrap();
    assert_eq!(lab.ran(), ["remind"; 2], "another process would see it so");
}

#[test]
fn a_renewed_result_goes_on_only_if_it_differs() {
    let lab = Lab::new();
    let run = || {
        let record = &mut lab.record(());
        weather(record, "Graz").unwrap();
        advise(record).unwrap();
        lab.ran()
    };
    assert_eq!(run(), ["weather", "advise"]);
    age_all(&lab, 7 * 24 * HOUR);
    assert_eq!(run(), ["weather"], "the same degrees");
    WEATHER.store(30, Ordering::SeqCst);
    age_all(&lab, 7 * 24 * HOUR);
    assert_eq!(run(), ["weather", "advise"]);
    assert_eq!(lab.warnings(), [""; 0], "that it differs is what it is run again for");
    assert_eq!(run(), [""; 0]);
    assert_eq!(lab.files("/former/").len(), 2, "the former results are kept");
}
