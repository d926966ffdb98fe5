//! What is added is found, by whom, and what is not believed.

use super::*;
use crate::artifact::Meta;
use crate::store::manifest::{Kept, Output};

fn key(number: u64) -> Digest {
    Digest::of(&number.to_le_bytes())
}

/// A head with one tiny output.
fn head(number: u64) -> Head {
    let text = number.to_string();
    let kept = Kept {
        format: Digest::of(b"json"),
        extension: "json".into(),
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        text: Some(text),
        hex: None,
        parts: vec![],
        meta: Meta::new(),
        references: vec![],
    };
    Head {
        key: key(number),
        stage: "digits::embed".into(),
        outputs: vec![Output { name: "vector".into(), artifact: Some(kept) }],
        seconds: 0.25,
        completed: 1_700_000_000_000 + number,
        run: "r1".into(),
        logged: false,
        validator: None,
    }
}

fn packs(store: &Store) -> Packs {
    store.packs("digits::embed", &Digest::of(b"shared"), 1)
}

#[test]
fn what_is_added_is_found_at_once_and_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let ours = packs(&store);
    let keys: Vec<_> = (0..4).map(key).collect();
    assert_eq!((ours.find(&keys).found(), ours.refresh()), (0, false));
    let place = ours.append(&head(1), &[], 1, 0).unwrap();
    let log = ["said".to_owned()];
    ours.append(&head(3), &log, 3, 2).unwrap();
    let next = packs(&Store::open(folder.path()).unwrap());
    for packs in [ours, next] {
        let found = packs.find(&keys);
        assert_eq!((found.len(), found.found()), (4, 2));
        assert!(found.get(0).is_none() && found.get(2).is_none() && found.get(9).is_none());
        let one = found.get(1).unwrap();
        assert_eq!((one.place, one.completed), (place, head(1).completed));
        assert_eq!(one.identities[..], [identity(&head(1).outputs[0])]);
        assert_eq!(
            packs.find_one(&key(1)),
            Some(Shard { identities: one.identities.clone(), ..one })
        );
        let line = packs.read(&key(1), place).unwrap();
        assert_eq!(line, line::Line { head: head(1), index: 1, generation: 0, log: vec![] });
        let three = found.get(3).unwrap();
        assert_eq!((three.generation, three.seconds), (2, 0.25));
        let line = packs.read(&key(3), three.place).unwrap();
        assert_eq!((line.head, &line.log[..]), (head(3), &log[..]));
        assert_eq!(packs.all().map(|line| line.unwrap().1.index).collect::<Vec<_>>(), [1, 3]);
    }
}

mod compact;
mod damage;
mod hostile;
mod together;
