//! Who holds a lock, who waits, and what becomes of it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use super::*;

/// A folder with the store's own in it.
fn folder() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    fs::create_dir(layout.base()).unwrap();
    (folder, layout)
}

fn key(number: u8) -> Digest {
    Digest::of(&[number])
}

fn never() -> bool {
    false
}

fn at_once(locks: &Arc<Locks>, key: &Digest) -> Option<KeyLock> {
    locks.acquire(key, || true, || {})
}

#[test]
fn a_key_is_held_once_by_a_store_and_by_stores_opened_apart() {
    let (_folder, layout) = folder();
    let (one, other) = (Arc::new(Locks::new(&layout)), Arc::new(Locks::new(&layout)));
    for second in [&one, &other] {
        let held = at_once(&one, &key(1)).unwrap();
        assert!(held.outside.is_some());
        assert!(at_once(second, &key(1)).is_none());
        assert!(at_once(second, &key(2)).is_some());
        drop(held);
        assert!(at_once(second, &key(1)).is_some());
    }
    assert!(one.held().is_empty() && other.held().is_empty());
}

#[test]
fn many_threads_take_turns() {
    let (_folder, layout) = folder();
    let inside = AtomicU32::new(0);
    let stores = [(); 2].map(|()| Arc::new(Locks::new(&layout)));
    thread::scope(|scope| {
        for locks in stores.iter().chain(&stores) {
            scope.spawn(|| {
                for _ in 0..25 {
                    let held = locks.acquire(&key(1), never, || {}).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(held);
                }
            });
        }
    });
}

#[test]
fn who_waits_says_so_once_and_is_let_in_or_gives_up() {
    let (_folder, layout) = folder();
    let stores = [(); 2].map(|()| Arc::new(Locks::new(&layout)));
    for second in &stores {
        let over = AtomicBool::new(false);
        let (told, tells) = mpsc::channel();
        let held = at_once(&stores[0], &key(1)).unwrap();
        thread::scope(|scope| {
            let wait = || {
                second.acquire(&key(1), || over.load(Ordering::SeqCst), || told.send(()).unwrap())
            };
            let given_up = scope.spawn(wait);
            tells.recv().unwrap();
            over.store(true, Ordering::SeqCst);
            assert!(given_up.join().unwrap().is_none());
            over.store(false, Ordering::SeqCst);
            let let_in = scope.spawn(wait);
            tells.recv().unwrap();
            drop(held);
            assert!(let_in.join().unwrap().is_some());
        });
        assert!(tells.try_recv().is_err());
        assert!(second.held().is_empty());
    }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn a_lock_file_that_was_removed_or_replaced_is_opened_again() {
    let (folder, layout) = folder();
    let (one, other) = (Arc::new(Locks::new(&layout)), Arc::new(Locks::new(&layout)));
    let before = at_once(&one, &key(1)).unwrap();
    fs::remove_file(layout.lock()).unwrap();
    // Whoever comes now does the work twice, but they exclude each other.
    let after = at_once(&other, &key(1)).unwrap();
    drop(before);
    assert!(at_once(&one, &key(1)).is_none());
    drop(after);
    fs::write(folder.path().join("another"), "").unwrap();
    fs::rename(folder.path().join("another"), layout.lock()).unwrap();
    let held = at_once(&one, &key(1));
    assert!(held.is_some() && at_once(&other, &key(1)).is_none());
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn what_cannot_be_locked_is_locked_in_memory_alone() {
    let (folder, layout) = folder();
    let outside = folder.path().join("outside");
    let hinder: [&dyn Fn(); 2] = [&|| fs::create_dir(layout.lock()).unwrap(), &|| {
        std::os::unix::fs::symlink(&outside, layout.lock()).unwrap();
    }];
    for hinder in hinder {
        hinder();
        let locks = Arc::new(Locks::new(&layout));
        let held = at_once(&locks, &key(1)).unwrap();
        assert!(held.outside.is_none());
        assert!(at_once(&locks, &key(1)).is_none());
        let place = layout.lock();
        fs::remove_dir(&place).or_else(|_| fs::remove_file(&place)).unwrap();
    }
    assert!(!outside.exists(), "a link led out of the store");
}

#[test]
fn a_lock_that_is_a_file_goes_with_its_file() {
    let (_folder, layout) = folder();
    let locks = files::Locks::new(&layout);
    let held = locks.try_acquire(&key(1)).unwrap();
    assert!(held.is_some() && locks.try_acquire(&key(1)).unwrap().is_none());
    drop(held);
    assert_eq!(fs::read_dir(layout.locks()).unwrap().count(), 0);
    assert!(locks.try_acquire(&key(1)).unwrap().is_some());
    let dead = layout.locks().join("dead");
    fs::write(&dead, "").unwrap();
    files::sweep(&layout.locks());
    assert!(!dead.exists());
}
