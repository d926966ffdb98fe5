//! Stages with type parameters, constants, lifetimes and where clauses.

use std::fmt::Display;

use serde::de::DeserializeOwned;

use crate::common::*;

#[stage(inputs = [items], outputs = [largest], cachers = [Json])]
fn largest<T>(items: &[T]) -> Option<T>
where
    T: Ord + Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    items.iter().max().cloned()
}

#[stage(outputs = [zeros], cachers = [Json])]
fn zeros<const N: usize>(value: u8) -> Vec<u8> {
    vec![value; N]
}

#[stage(outputs = [shown], cachers = [Text])]
fn shown<T: Display + Serialize + Clone + Send + Sync + 'static>(value: &T) -> String {
    value.to_string()
}

#[stage(inputs = [title], outputs = [longer], cachers = [Text])]
fn longer<'a>(title: &'a str, other: &'a str) -> String
where
    'a: 'a,
{
    let longer: &'a str = if title.len() >= other.len() { title } else { other };
    longer.to_owned()
}

/// What a model of the user's own does; its types hold no data.
trait Model: Send + Sync + 'static {
    fn width() -> u32;
}

mod small {
    pub(super) struct Net;

    impl super::Model for Net {
        fn width() -> u32 {
            1
        }
    }
}

mod large {
    pub(super) struct Net;

    impl super::Model for Net {
        fn width() -> u32 {
            1000
        }
    }
}

#[stage(outputs = [width], cachers = [Json])]
fn width<M: Model>() -> u32 {
    M::width()
}

#[test]
fn a_generic_stage_takes_each_type_by_itself() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("items", vec![3_u32, 9, 4]).unwrap();
    assert_eq!(*largest::<u32>(&mut record).unwrap().load().unwrap(), Some(9));
    record.insert("items", vec!["b".to_owned(), "a".to_owned()]).unwrap();
    assert_eq!(*largest::<String>(&mut record).unwrap().load().unwrap(), Some("b".to_owned()));
    assert!(chain(largest::<u32>(&mut record)).contains("`items`"));
    assert_eq!(largest::body(&[1, 2]), Some(2));
}

#[test]
fn instances_of_a_generic_stage_never_share_an_entry() {
    let lab = Lab::new();
    for _ in 0..2 {
        assert_eq!(*shown(&mut lab.record(()), &1_u8).unwrap().load().unwrap(), "1");
        assert_eq!(*shown(&mut lab.record(()), &1_u64).unwrap().load().unwrap(), "1");
        assert_eq!(*shown(&mut lab.record(()), &'1').unwrap().load().unwrap(), "1");
    }
    assert_eq!(lab.ran().len(), 3);
}

#[test]
fn types_of_one_name_in_two_modules_are_two_types() {
    let lab = Lab::new();
    assert_eq!(*width::<small::Net>(&mut lab.record(())).unwrap().load().unwrap(), 1);
    assert_eq!(*width::<large::Net>(&mut lab.record(())).unwrap().load().unwrap(), 1000);
    assert_eq!(lab.ran().len(), 2);
}

#[test]
fn a_constant_is_in_the_key() {
    let lab = Lab::new();
    for _ in 0..2 {
        assert_eq!(*zeros::<2>(&mut lab.record(()), 7).unwrap().load().unwrap(), [7, 7]);
        assert_eq!(*zeros::<3>(&mut lab.record(()), 7).unwrap().load().unwrap(), [7, 7, 7]);
    }
    assert_eq!(lab.ran().len(), 2);
    let reason = || {
        zeros::<4>(&mut lab.record(()), 7).unwrap();
        lab.reasons()[0].to_string()
    };
    let reason = reason();
    assert!(reason.contains('4') && !reason.contains("never ran"), "{reason}");
}

#[test]
fn lifetimes_and_where_clauses_are_as_written() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("title", "digits".to_owned()).unwrap();
    assert_eq!(*longer(&mut record, "ten").unwrap().load().unwrap(), "digits");
    assert_eq!(*longer(&mut record, "ten digits").unwrap().load().unwrap(), "ten digits");
}
