//! What a shard may be: large, lazy, of several files, a file, and made of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::arrays::shards_of;
use crate::common::*;

#[stage(each = [page in pages], outputs = [Lazy(large), small], cachers = [Bincode, Json])]
fn pair(page: u64) -> (Vec<u64>, u64) {
    ((0..2000).map(|number| number ^ page).collect(), page)
}

#[stage(each = [large in large, small in small], outputs = [sum], cachers = [Json])]
fn sum(large: &[u64], small: u64) -> u64 {
    large.iter().sum::<u64>() + small
}

#[test]
fn large_shards_are_files_and_small_ones_are_not() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2, 3]).unwrap();
        let (large, small) = pair(&mut record).unwrap();
        let sums = sum(&mut record).unwrap().collect().unwrap();
        assert_eq!(large.get(2).load().unwrap()[5], 5 ^ 3);
        assert_eq!(small.collect().unwrap(), [1, 2, 3]);
        let path = large.get(1).path().unwrap();
        assert!(path.starts_with(lab.store_path()), "{}", path.display());
        (sums, shards_of(&lab, "pair"))
    };
    let (sums, ran) = run();
    assert_eq!(ran, [0, 1, 2]);
    assert_eq!(lab.artifacts().len(), 3);
    assert_eq!(run(), (sums, vec![]));
}

struct TwoFiles;

impl Cacheable<(String, String)> for TwoFiles {
    fn format(&self) -> Format {
        Format::new("two", 1)
    }

    fn save(&self, value: &(String, String), artifact: &Artifact) -> Result<()> {
        fs::write(artifact.path()?, &value.0)?;
        fs::write(artifact.file("second")?, &value.1)?;
        Ok(())
    }

    fn load(&self, artifact: &Artifact) -> Result<(String, String)> {
        let second = fs::read_to_string(artifact.file("second")?)?;
        Ok((fs::read_to_string(artifact.path()?)?, second))
    }
}

#[stage(each = [page in pages], outputs = [two], cachers = [TwoFiles])]
fn two(page: u64) -> (String, String) {
    (format!("first {page}"), format!("second {page}"))
}

#[test]
fn a_shard_may_be_of_several_files() {
    let lab = Lab::new();
    for ran in [vec![0, 1], vec![]] {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2]).unwrap();
        let values = two(&mut record).unwrap().collect().unwrap();
        assert_eq!(values[1], ("first 2".to_owned(), "second 2".to_owned()));
        assert_eq!(shards_of(&lab, "two"), ran);
    }
    assert_eq!(lab.artifacts().len(), 4);
}

#[stage(each = [page in pages], outputs = [copied], cachers = [Copied])]
fn copied(ctx: &Context, page: u64) -> Result<PathBuf> {
    let path = ctx.folder()?.join("page.txt");
    fs::write(&path, format!("page {page}"))?;
    Ok(path)
}

#[test]
fn a_shard_may_be_a_file_that_moves_into_the_store() {
    let lab = Lab::new();
    for ran in [vec![0, 1, 2], vec![]] {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2, 3]).unwrap();
        let paths = copied(&mut record).unwrap().collect().unwrap();
        assert!(paths.iter().all(|path| path.starts_with(lab.store_path())), "{paths:?}");
        assert_eq!(fs::read_to_string(&paths[2]).unwrap(), "page 3");
        assert_eq!(shards_of(&lab, "copied"), ran);
    }
}

#[stage(each = [page in pages], outputs = [referenced], cachers = [Referenced])]
fn referenced(page: u64, folder: &Path) -> Result<PathBuf> {
    let path = folder.join(format!("{page}.txt"));
    fs::write(&path, format!("page {page}"))?;
    Ok(path)
}

#[test]
fn a_shard_may_be_a_file_that_stays_where_it_is() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2, 3]).unwrap();
        let paths = referenced(&mut record, lab.store_path().parent().unwrap()).unwrap();
        let texts = paths.iter().map(|path| fs::read_to_string(&*path.unwrap()).unwrap());
        (texts.collect::<Vec<_>>().join(" "), shards_of(&lab, "referenced"))
    };
    assert_eq!(run(), ("page 1 page 2 page 3".to_owned(), vec![0, 1, 2]));
    assert_eq!(run(), ("page 1 page 2 page 3".to_owned(), vec![]));
    // It is of the caller, and may change: then it is made again.
    fs::write(lab.path("2.txt"), "changed by hand").unwrap();
    assert_eq!(run(), ("page 1 page 2 page 3".to_owned(), vec![1]));
    fs::remove_file(lab.path("3.txt")).unwrap();
    assert_eq!(run(), ("page 1 page 2 page 3".to_owned(), vec![2]));
    assert_eq!(run(), ("page 1 page 2 page 3".to_owned(), vec![]));
}

#[derive(Clone, Serialize, Deserialize)]
struct Source {
    file: InputFile,
    skip: usize,
}

/// What the body of a shard does to the file that it is given, to see what follows.
static MEDDLES: Mutex<Option<PathBuf>> = Mutex::new(None);

#[stage(each = [source in sources], outputs = [text], cachers = [Text])]
fn text(source: &Source) -> Result<String> {
    let text = fs::read_to_string(&source.file)?;
    let meddles = MEDDLES.lock().unwrap().take_if(|path| path == source.file.path());
    if let Some(path) = meddles {
        fs::write(path, "changed meanwhile, and longer")?;
    }
    Ok(text[source.skip..].to_owned())
}

#[test]
fn files_in_elements_are_read_by_content() {
    let lab = Lab::new();
    let files: Vec<PathBuf> =
        ["a", "b", "c"].map(|name| lab.write(name, format!("text {name}"))).into();
    let run = || {
        let mut record = lab.record(());
        let source = |file: &PathBuf| Source { file: InputFile::new(file), skip: 1 };
        record.insert("sources", files.iter().map(source).collect::<Vec<_>>()).unwrap();
        let texts = text(&mut record).unwrap().collect().unwrap();
        let events = lab.recorder().take();
        let lost = events
            .iter()
            .filter(|event| matches!(event, memo_runtime::Event::Warning { lost: true, .. }));
        (texts.join(","), super::shards_in(&events, "text"), lost.count())
    };
    assert_eq!(run(), ("ext a,ext b,ext c".to_owned(), vec![0, 1, 2], 0));
    assert_eq!(run(), ("ext a,ext b,ext c".to_owned(), vec![], 0));
    fs::write(&files[1], "other").unwrap();
    assert_eq!(run(), ("ext a,ther,ext c".to_owned(), vec![1], 0));
    // A file that changes while its shard runs: nobody knows what was read, so that shard is not kept.
    fs::write(&files[0], "new a").unwrap();
    fs::write(&files[2], "new c").unwrap();
    *MEDDLES.lock().unwrap() = Some(files[2].clone());
    assert_eq!(run(), ("ew a,ther,ew c".to_owned(), vec![0, 2], 1));
    fs::write(&files[2], "new c").unwrap();
    assert_eq!(run(), ("ew a,ther,ew c".to_owned(), vec![2], 0));
    assert_eq!(run(), ("ew a,ther,ew c".to_owned(), vec![], 0));
}

#[stage(each = [page in pages], outputs = [chosen], cachers = [Json])]
fn choose(page: u64, folder: &Path) -> Result<(u64, InputFile)> {
    let path = folder.join(format!("{page}.txt"));
    if !path.exists() {
        fs::write(&path, format!("page {page}"))?;
    }
    Ok((page, InputFile::new(path)))
}

#[stage(each = [chosen in chosen], outputs = [words], cachers = [Json])]
fn count_words(chosen: &(u64, InputFile)) -> Result<usize> {
    Ok(fs::read_to_string(&chosen.1)?.split(' ').count())
}

/// What a shard's value names is a part of it.
#[test]
fn a_shard_may_hold_a_file() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2, 3]).unwrap();
        choose(&mut record, lab.store_path().parent().unwrap()).unwrap();
        let words = count_words(&mut record).unwrap().collect().unwrap();
        let events = lab.recorder().take();
        (words, super::shards_in(&events, "choose"), super::shards_in(&events, "count_words"))
    };
    assert_eq!(run(), (vec![2, 2, 2], vec![0, 1, 2], vec![0, 1, 2]));
    assert_eq!(run(), (vec![2, 2, 2], vec![], vec![]));
    fs::write(lab.path("2.txt"), "changed by hand").unwrap();
    assert_eq!(run(), (vec![2, 3, 2], vec![1], vec![1]));
    assert_eq!(run(), (vec![2, 3, 2], vec![], vec![]));
}

/// Reads its file after, or before, the file is changed behind its back.
static READS_LATE: AtomicBool = AtomicBool::new(false);
static CHANGES: AtomicBool = AtomicBool::new(false);

fn read_while_it_changes(file: &InputFile) -> Result<String> {
    let early = fs::read_to_string(file)?;
    if CHANGES.load(Ordering::SeqCst) {
        fs::write(file, "changed meanwhile, and longer")?;
    }
    if READS_LATE.load(Ordering::SeqCst) { Ok(fs::read_to_string(file)?) } else { Ok(early) }
}

#[stage(each = [file in files], outputs = [raw], cachers = [Text])]
fn raw(file: &InputFile) -> Result<String> {
    read_while_it_changes(file)
}

#[stage(each = [raw in raw], outputs = [upper], cachers = [Text])]
fn upper(raw: &str) -> String {
    raw.to_uppercase()
}

#[stage(inputs = [raw], outputs = [all], cachers = [Text])]
fn all(raw: &Shards<String>) -> Result<String> {
    Ok(raw.collect()?.concat())
}

#[stage(each = [file in files], outputs = [held])]
fn held(file: &InputFile) -> Result<String> {
    read_while_it_changes(file)
}

#[stage(each = [held in held], outputs = [held_upper], cachers = [Text])]
fn held_upper(held: &str) -> String {
    held.to_uppercase()
}

#[stage(inputs = [held], outputs = [held_all], cachers = [Text])]
fn held_all(held: &Shards<String>) -> Result<String> {
    Ok(held.collect()?.concat())
}

/// What a shard has read while its file changed is not what its key says, so nothing that was made of it is
/// found by another run.
#[test]
fn what_follows_from_a_file_that_changed_is_not_found_again() {
    let lab = Lab::new();
    let file = lab.write("a.txt", "before");
    let run = |changes, late| {
        fs::write(&file, "before").unwrap();
        CHANGES.store(changes, Ordering::SeqCst);
        READS_LATE.store(late, Ordering::SeqCst);
        let mut texts = Vec::new();
        for in_memory in [false, true] {
            fs::write(&file, "before").unwrap();
            let mut record = lab.record(());
            record.insert("files", vec![InputFile::new(&file)]).unwrap();
            let (each, all) = if in_memory {
                held(&mut record).unwrap();
                (held_upper(&mut record).unwrap(), held_all(&mut record).unwrap())
            } else {
                raw(&mut record).unwrap();
                (upper(&mut record).unwrap(), all(&mut record).unwrap())
            };
            texts.push(each.collect().unwrap().concat());
            texts.push(all.load().unwrap().to_string());
        }
        texts
    };
    let changed = "changed meanwhile, and longer";
    let upper = changed.to_uppercase();
    assert_eq!(run(true, true), [&upper, changed, &upper, changed]);
    assert_eq!(run(true, false), ["BEFORE", "before", "BEFORE", "before"]);
    assert_eq!(run(false, false), ["BEFORE", "before", "BEFORE", "before"]);
}

#[stage(each = [chosen in chosen], outputs = [seen], cachers = [Text])]
fn see(chosen: &(u64, InputFile)) -> Result<String> {
    let text = fs::read_to_string(&chosen.1)?;
    if chosen.0 == 2 && CHOSEN_CHANGES.load(Ordering::SeqCst) {
        fs::write(&chosen.1, "changed meanwhile")?;
    }
    Ok(text)
}

static CHOSEN_CHANGES: AtomicBool = AtomicBool::new(true);

#[test]
fn a_file_that_an_element_holds_may_not_change_while_its_shard_runs() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2, 3]).unwrap();
        choose(&mut record, lab.store_path().parent().unwrap()).unwrap();
        see(&mut record).unwrap();
        shards_of(&lab, "see")
    };
    assert_eq!(run(), [0, 1, 2]);
    CHOSEN_CHANGES.store(false, Ordering::SeqCst);
    fs::write(lab.path("2.txt"), "page 2").unwrap();
    assert_eq!(run(), [1], "what was read is not known, so it was not kept");
    assert_eq!(run(), [0; 0]);
}

static ALL_CHANGE: AtomicBool = AtomicBool::new(true);

#[stage(inputs = [chosen], outputs = [seen_together], cachers = [Text])]
fn see_together(chosen: &Shards<(u64, InputFile)>) -> Result<String> {
    let all = chosen.collect()?;
    let texts = all.iter().map(|(_, file)| fs::read_to_string(file));
    let text = texts.collect::<std::io::Result<Vec<_>>>()?.concat();
    if ALL_CHANGE.load(Ordering::SeqCst) {
        fs::write(&all[1].1, "changed meanwhile")?;
    }
    Ok(text)
}

#[test]
fn a_file_that_one_of_all_shards_holds_may_not_change_while_they_are_read() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u64, 2, 3]).unwrap();
        choose(&mut record, lab.store_path().parent().unwrap()).unwrap();
        see_together(&mut record).unwrap();
        lab.ran().contains(&"see_together".to_owned())
    };
    assert!(run());
    ALL_CHANGE.store(false, Ordering::SeqCst);
    fs::write(lab.path("2.txt"), "page 2").unwrap();
    assert!(run(), "what was read is not known, so it was not kept");
    assert!(!run());
}
