//! Merging packs whose writers have ended, so that many runs which add little each do not make finding
//! slow.
//!
//! What is merged appears as a pack of its own, complete; then its sources go. Whoever is killed between
//! leaves lines twice, which harms nobody.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempPath;

use super::line;
use super::lines::Lines;
use super::pack::{Pack, State};
use super::record::{Record, header, identity};
use super::writer::{new_file, sync_folders};
use super::{Packs, Wanted};
use crate::error::Error;
use crate::store::layout::Layout;
use crate::store::lock::is_at;
use crate::store::{history, set_aside};

/// So many packs are not too many.
const FEW: usize = 16;

/// How many are merged at a time, as each is an open file.
const MOST: usize = 64;

/// How long nobody must have written a pack. Locks do not reach everywhere.
const REST: Duration = Duration::from_mins(1);

/// Packs of up to this size are of like size.
const SMALL: u64 = 64 << 10;

/// A pack that may be merged.
struct Candidate {
    number: u32,
    size: u64,
    places: [PathBuf; 2],
}

/// A pack whose lock is held.
struct Source {
    candidate: Candidate,
    file: File,
}

/// Why merging has to begin anew.
enum Stop {
    /// A line is damaged: those that it would outdo must stay.
    Damaged,
    Failed(io::Error),
}

impl Packs {
    /// Merges packs whose writers have ended, where there are many. Returns how many it has merged.
    pub(crate) fn compact(&self) -> Result<usize, Error> {
        if self.0.store.is_read_only() {
            return Ok(0);
        }
        self.refresh();
        let candidates = self.candidates();
        if candidates.len() <= FEW {
            return Ok(0);
        }
        let group = of_like_size(candidates).into_iter().take(MOST);
        let sources: Vec<_> = group.filter_map(Source::lock).collect();
        if sources.len() < 2 {
            return Ok(0);
        }
        self.merge(&sources).map_err(|error| self.failed(error))?;
        self.refresh();
        Ok(sources.len())
    }

    /// Lists the packs that nobody seems to write.
    fn candidates(&self) -> Vec<Candidate> {
        let known = self.known();
        let others = (0..)
            .zip(&known.packs)
            .filter(|(_, pack)| matches!(pack.state, State::Living | State::Ended));
        let candidate = |(number, pack): (u32, &Pack)| {
            let places = Layout::pack(&self.0.folder, &pack.name);
            let meta = fs::symlink_metadata(&places[0]).ok().filter(fs::Metadata::is_file)?;
            let age = SystemTime::now().duration_since(meta.modified().ok()?).ok()?;
            (age > REST).then_some(Candidate { number, size: meta.len(), places })
        };
        others.filter_map(candidate).collect()
    }

    fn merge(&self, sources: &[Source]) -> io::Result<()> {
        let scratch = self.0.store.scratch().map_err(io::Error::other)?.path();
        let (merged, damaged) = match self.copy(scratch, sources, true) {
            Err(Stop::Damaged) => self.copy(scratch, sources, false),
            other => other,
        }
        .map_err(|stop| match stop {
            Stop::Damaged => io::ErrorKind::InvalidData.into(),
            Stop::Failed(error) => error,
        })?;
        merged.put(&self.0.folder)?;
        // What is removed was safe, however long ago; so must be what takes its place.
        sync_folders(&self.0.folder, self.0.store.path())?;
        for (source, is_damaged) in sources.iter().zip(damaged) {
            let [lines, index] = &source.candidate.places;
            let _ = fs::remove_file(index);
            if is_damaged {
                set_aside::move_to(lines, &self.0.store.layout().damaged())?;
            } else {
                fs::remove_file(lines)?;
            }
        }
        Ok(())
    }

    /// Copies all lines, or those that count. Returns which sources hold damaged ones.
    fn copy(
        &self,
        scratch: &Path,
        sources: &[Source],
        only_what_counts: bool,
    ) -> Result<(Merged, Vec<bool>), Stop> {
        let Wanted { stage, outputs, .. } = self.wanted();
        let known = self.known();
        let is_source = |pack| sources.iter().any(|source| source.candidate.number == pack);
        let mut merged = Merged::new(scratch, outputs)?;
        let mut damaged = vec![false; sources.len()];
        for (source, is_damaged) in sources.iter().zip(&mut damaged) {
            let number = source.candidate.number;
            let mut lines = Lines::new(&source.file, 0, source.file.metadata()?.len());
            while let Some((offset, bytes)) = lines.next()? {
                let judged = line::judge(bytes, stage, outputs).ok();
                if judged.as_ref().is_none_or(|(start, _)| *start > 0) {
                    *is_damaged = true;
                    if only_what_counts {
                        return Err(Stop::Damaged);
                    }
                }
                let Some((start, line)) = judged else { continue };
                let counts = known.table.get(&line.head.key).map(|(record, _)| record);
                let is_outdone = counts.is_some_and(|counts| {
                    (counts.pack, counts.offset) != (number, offset) && is_source(counts.pack)
                });
                if !(only_what_counts && is_outdone) {
                    merged.add(&line, &bytes[start..])?;
                }
            }
            *is_damaged |= lines.is_endless();
        }
        Ok((merged, damaged))
    }
}

impl Source {
    /// Takes a pack, if nobody writes or merges it.
    fn lock(candidate: Candidate) -> Option<Self> {
        let path = &candidate.places[0];
        let file = File::options().read(true).write(true).open(path).ok()?;
        file.try_lock().ok()?;
        is_at(&file, path).ok()?.then_some(Self { candidate, file })
    }
}

/// The pack that takes the place of others.
struct Merged {
    name: String,
    lines: BufWriter<File>,
    index: BufWriter<File>,
    paths: [TempPath; 2],
    end: u64,
}

impl Merged {
    fn new(scratch: &Path, outputs: usize) -> io::Result<Self> {
        let name = history::run_name();
        let ((lines, lines_path), (index, index_path)) = (new_file(scratch)?, new_file(scratch)?);
        let (lines, mut index) = (BufWriter::new(lines), BufWriter::new(index));
        index.write_all(&header(&name, outputs))?;
        Ok(Self { name, lines, index, paths: [lines_path, index_path], end: 0 })
    }

    fn add(&mut self, line: &line::Line, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let record = Record::of(&line.head, line.generation, 0, self.end, length);
        let identities: Vec<_> = line.head.outputs.iter().map(identity).collect();
        let mut of_index = Vec::with_capacity(256);
        record.write(line.index, &identities, &mut of_index);
        self.lines.write_all(bytes)?;
        self.index.write_all(&of_index)?;
        self.end += u64::from(length);
        Ok(())
    }

    fn put(mut self, folder: &Path) -> io::Result<()> {
        for file in [&mut self.lines, &mut self.index] {
            file.flush()?;
            file.get_ref().sync_data()?;
        }
        let places = Layout::pack(folder, &self.name);
        for (path, place) in self.paths.into_iter().zip(places) {
            path.persist_noclobber(place)?;
        }
        Ok(())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Chooses the smallest packs of which none is much larger than all before it together, so that a line is
/// copied a few times in its life, however many runs there are.
fn of_like_size(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by_key(|candidate| candidate.size);
    let sizes: Vec<_> = candidates.iter().map(|candidate| candidate.size).collect();
    for first in 0..sizes.len() {
        let mut sum = 0_u64;
        let fits = |size: &&u64| {
            let does = sum == 0 || **size <= sum.saturating_mul(2).max(SMALL);
            sum = sum.saturating_add(**size);
            does
        };
        let count = sizes[first..].iter().take_while(fits).count();
        if count > 1 {
            return candidates.into_iter().skip(first).take(count).collect();
        }
    }
    Vec::new()
}
