//! What is kept of a file, and what is not believed.

use super::*;

fn identity(inode: u64) -> Identity {
    Identity { device: 1, inode, size: 1 << 20, modified: (7, 8), changed: (9, 10) }
}

/// A folder with the store's own in it.
fn folder() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    fs::create_dir(layout.base()).unwrap();
    (folder, layout)
}

fn kept(layout: &Layout) -> KeptDigests {
    KeptDigests::new(layout, false)
}

#[test]
fn what_one_process_keeps_the_next_one_finds() {
    let (_folder, layout) = folder();
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    kept(&layout).add(identity(1), one);
    kept(&layout).add(identity(2), other);
    let next = kept(&layout);
    assert_eq!((next.get(&identity(1)), next.get(&identity(2))), (Some(one), Some(other)));
    for differs in [
        Identity { device: 2, ..identity(1) },
        Identity { size: 1, ..identity(1) },
        Identity { modified: (7, 9), ..identity(1) },
        Identity { changed: (9, 11), ..identity(1) },
        Identity { changed: (10, 10), ..identity(1) },
    ] {
        assert_eq!(next.get(&differs), None, "{differs:?}");
    }
}

#[test]
fn nothing_is_written_read_only_or_before_there_is_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let early = kept(&layout);
    early.add(identity(1), Digest::of(b"one"));
    assert!(!layout.base().exists());
    fs::create_dir(layout.base()).unwrap();
    KeptDigests::new(&layout, true).add(identity(1), Digest::of(b"one"));
    assert!(!layout.digests().exists());
    early.flush();
    assert!(kept(&layout).get(&identity(1)).is_some());
}

#[test]
fn no_flipped_bit_and_no_cut_is_believed() {
    let (_folder, layout) = folder();
    let digest = Digest::of(b"one");
    kept(&layout).add(identity(1), digest);
    let whole = fs::read(layout.digests()).unwrap();
    let is_wrong = |bytes: &[u8]| {
        fs::write(layout.digests(), bytes).unwrap();
        let mut known = HashMap::new();
        read(&layout.digests(), &mut known);
        known.iter().any(|(found, content)| *found != identity(1) || *content != digest)
    };
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[index] ^= 1 << bit;
            assert!(!is_wrong(&bytes), "bit {bit} of byte {index}");
        }
        assert!(!is_wrong(&whole[..index]), "cut to {index}");
        // What is added to a torn line is found all the same.
        kept(&layout).add(identity(2), digest);
        assert_eq!(kept(&layout).get(&identity(2)), Some(digest), "cut to {index}");
    }
}

#[test]
fn it_does_not_grow_without_bound_and_reads_no_more() {
    let (_folder, layout) = folder();
    let line = format!("{}\n", "x".repeat(1023));
    fs::write(layout.digests(), line.repeat(2049)).unwrap();
    kept(&layout).add(identity(1), Digest::of(b"one"));
    assert!(!layout.digests().exists() && layout.former_digests().exists());
    kept(&layout).add(identity(2), Digest::of(b"other"));
    let next = kept(&layout);
    assert!(next.get(&identity(1)).is_some() && next.get(&identity(2)).is_some());
    let endless = File::create(layout.digests()).unwrap();
    endless.set_len(1 << 40).unwrap();
    assert!(kept(&layout).get(&identity(1)).is_some());
}

#[test]
fn what_is_no_file_is_left_alone() {
    let (folder, layout) = folder();
    let outside = folder.path().join("outside");
    std::os::unix::fs::symlink(&outside, layout.digests()).unwrap();
    fs::create_dir(layout.former_digests()).unwrap();
    let kept = kept(&layout);
    kept.add(identity(1), Digest::of(b"one"));
    assert_eq!(kept.get(&identity(1)), None);
    assert!(!outside.exists(), "a link led out of the store");
}
