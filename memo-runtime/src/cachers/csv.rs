//! [`Csv`]: rows, for spreadsheets.

use std::io::{Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::careful::Shallow;
use super::checked::{self, Codec};
use super::{damaged, faithful, refused};
use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::Result;
use crate::layout::Layout;

/// Keeps a `Vec` of flat rows as a table.
///
/// Rows are structs of numbers, texts, `bool`s, `Option`s and enums without content; the header has
/// the names of the fields, also when there is no row. Tuples and single values have no header. A
/// cell cannot hold a vector, map or struct, and an empty cell is `None`: so these and `Some("")` are
/// refused, with the place where they are.
///
/// ```
/// use memo_runtime::cachers::{self, Csv};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Line { model: String, loss: f64 }
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("table.csv");
/// let lines = vec![Line { model: "wide".to_owned(), loss: 0.5 }];
/// cachers::save_at(&Csv, &lines, &path)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "model,loss\nwide,0.5\n");
///
/// cachers::save_at(&Csv, &Vec::<Line>::new(), &path)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "model,loss\n");
/// # Ok::<(), memo_runtime::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Csv {
    delimiter: u8,
}

/// [`Csv`](struct@Csv) as it comes: cells between commas.
#[expect(
    non_upper_case_globals,
    reason = "`Csv` alone is a cacher, and `Csv.delimiter(b';')` another"
)]
pub const Csv: Csv = Csv { delimiter: b',' };

publishable!(Csv);

impl Csv {
    /// Sets what stands between cells: `b';'`, `b'\t'`.
    ///
    /// ```
    /// use memo_runtime::cachers::{self, Csv};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("table.csv");
    /// cachers::save_at(&Csv.delimiter(b';'), &vec![(1, 0.5)], &path)?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "1;0.5\n");
    /// # Ok::<(), memo_runtime::BoxError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If it is a quotation mark, the end of a line, or no ASCII character.
    #[must_use]
    pub const fn delimiter(self, delimiter: u8) -> Self {
        assert!(
            delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\r' | b'\n'),
            "the delimiter of a table is an ASCII character other than a quotation mark and the end of a line"
        );
        Self { delimiter }
    }
}

impl Default for Csv {
    fn default() -> Self {
        Csv
    }
}

#[diagnostic::do_not_recommend]
impl<Row: Serialize + DeserializeOwned + 'static> Cacheable<Vec<Row>> for Csv {
    fn format(&self) -> Format {
        let extension = if self.delimiter == b'\t' { "tsv" } else { "csv" };
        let format = Format::new("csv", 1).extension(extension).layout::<Vec<Row>>();
        match self.delimiter {
            b',' => format,
            delimiter => format.option("delimiter", char::from(delimiter)),
        }
    }

    fn save(&self, value: &Vec<Row>, artifact: &Artifact) -> Result<()> {
        checked::save(self, value, artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<Vec<Row>> {
        self.read(artifact.reader()?)
    }

    fn looks_outside(&self) -> bool {
        false
    }
}

impl<Row: Serialize + DeserializeOwned + 'static> Codec<Vec<Row>> for Csv {
    const NAME: &'static str = "Csv";
    const INSTEAD: &'static str = "Json";

    fn encode(&self, rows: &Vec<Row>, out: impl Write) -> Result<()> {
        let layout = Layout::of::<Vec<Row>>();
        let columns = layout.columns();
        let mut table = ::csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(columns.is_some())
            .from_writer(out);
        if rows.is_empty() {
            columns.map_or(Ok(()), |columns| table.write_record(columns))?;
        }
        for (index, row) in rows.iter().enumerate() {
            faithful::check::<Rules, _>(|notes| {
                let written = table.serialize(notes.checked(row));
                written.inspect_err(|_| notes.at_index(index))
            })?;
        }
        Ok(table.flush()?)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<Row>> {
        self.read(bytes)
    }
}

impl Csv {
    fn read<Row: DeserializeOwned + 'static>(self, table: impl Read) -> Result<Vec<Row>> {
        let layout = Layout::of::<Vec<Row>>();
        let columns = layout.columns();
        let mut table = ::csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(columns.is_some())
            .from_reader(table);
        if let Some(columns) = columns {
            let header = table.headers().map_err(|error| damaged(NO_TABLE, error))?;
            if !layout.has_columns(header.iter()) {
                return Err(damaged(NO_TABLE, wrong_header(header, &columns)));
            }
        }
        let rows = table.into_deserialize().map(|row| row.map(|Shallow::<_, true>(row)| row));
        rows.collect::<Result<_, ::csv::Error>>().map_err(|error| damaged(NO_TABLE, error))
    }
}

const NO_TABLE: &str = "this is not the table of such rows";

fn wrong_header(header: &::csv::StringRecord, columns: &[&str]) -> crate::error::BoxError {
    let header: Vec<_> = header.iter().collect();
    refused(format!(
        "its columns are `{}` instead of `{}`",
        header.join("`, `"),
        columns.join("`, `")
    ))
}

/// What a table would change or cannot hold.
struct Rules;

impl faithful::Rules for Rules {
    const NAME: &'static str = "Csv";
    const INSTEAD: &'static str = "Json` or `Bincode";
    const NULL_IN_SOME: bool = false;
    const EMPTY_IN_SOME: bool = false;
    const HOLES: bool = false;
    const NESTED: bool = false;
}
