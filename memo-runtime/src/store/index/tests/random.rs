//! Random changes of a stage's folders, and of the index itself: what is found is what is there.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// How many entries there can be.
const COUNT: u64 = 24;

#[derive(Debug, Clone)]
enum Step {
    Keep(u64),
    Remove(u64),
    /// Moved away, and back as it was.
    Return(u64),
    SetAside(u64),
    /// A run that looks for all, and keeps an index.
    Run,
    Garble(Index, u8),
    Cut(Index),
    RemoveIndex,
    /// The index of a moment ago comes back, as after a copy from elsewhere.
    FormerIndex,
    RemoveAll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..COUNT).prop_map(Step::Keep),
        3 => (0..COUNT).prop_map(Step::Remove),
        1 => (0..COUNT).prop_map(Step::Return),
        1 => (0..COUNT).prop_map(Step::SetAside),
        6 => Just(Step::Run),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Step::Garble(at, byte)),
        1 => any::<Index>().prop_map(Step::Cut),
        1 => Just(Step::RemoveIndex),
        2 => Just(Step::FormerIndex),
        1 => Just(Step::RemoveAll),
    ]
}

/// Does a step, and what the model says of it.
fn take(
    step: &Step,
    kit: &Kit,
    ours: &Store,
    model: &mut BTreeMap<u64, String>,
    former: &mut Vec<u8>,
    generation: usize,
) {
    let index = fs::read(kit.index()).unwrap_or_default();
    match step {
        Step::Keep(number) => {
            let text = format!("{number} in {generation}");
            // By this process, or by another one.
            let store = if generation.is_multiple_of(2) { ours.clone() } else { kit.store() };
            keep(&store, *number, &text);
            model.insert(*number, text);
        }
        Step::Remove(number) => {
            let _ = fs::remove_file(kit.manifest(*number));
            model.remove(number);
        }
        Step::Return(number) => {
            let (place, away) = (kit.manifest(*number), kit.folder.path().join("away"));
            if fs::rename(&place, &away).is_ok() {
                fs::rename(&away, &place).unwrap();
            }
        }
        Step::SetAside(number) => {
            ours.set_aside(STAGE, &key(*number), &[]);
            model.remove(number);
        }
        Step::Run => kit.run(),
        Step::Garble(at, byte) if !index.is_empty() => {
            let mut bytes = index.clone();
            bytes[at.index(index.len())] = *byte;
            fs::write(kit.index(), bytes).unwrap();
        }
        Step::Cut(at) if !index.is_empty() => {
            fs::write(kit.index(), &index[..at.index(index.len())]).unwrap();
        }
        Step::FormerIndex if !former.is_empty() => {
            fs::create_dir_all(kit.stage()).unwrap();
            fs::write(kit.index(), &former).unwrap();
        }
        Step::RemoveIndex => drop(fs::remove_file(kit.index())),
        Step::RemoveAll => {
            fs::remove_dir_all(kit.stage()).unwrap_or_default();
            model.clear();
        }
        Step::Garble(..) | Step::Cut(_) | Step::FormerIndex => {}
    }
    if !index.is_empty() {
        *former = index;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_is_there(steps in prop::collection::vec(step(), 1..24)) {
        let kit = Kit::new(COUNT);
        let ours = kit.store();
        let mut former = Vec::new();
        let mut model: BTreeMap<u64, String> = (0..COUNT).map(|number| (number, number.to_string())).collect();
        for (generation, step) in steps.iter().enumerate() {
            take(step, &kit, &ours, &mut model, &mut former, generation);
            let next = kit.store();
            next.0.indexes.of(STAGE).state().looked = FEW;
            for number in 0..COUNT {
                let found = text(&next, number);
                prop_assert_eq!(found.as_ref(), model.get(&number), "{}", number);
                // One that has long been running sees what is there if it is told to look again.
                ours.forget(&key(number));
                let found = text(&ours, number);
                prop_assert_eq!(found.as_ref(), model.get(&number), "{} by ours", number);
            }
        }
    }
}
