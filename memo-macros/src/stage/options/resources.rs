//! `resources(cpus = 4, memory = "8GiB", time = "30m", gpus = 1, partition = "long")`.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitInt, LitStr, Result, Token};

use super::values::read_duration;
use crate::diagnostics::did_you_mean;

const NAMES: &[&str] = &["cpus", "memory", "time", "gpus", "partition"];

/// What a stage takes of the machine while it runs; what was not written is zero or empty.
#[derive(Clone, Default)]
pub struct Resources {
    pub cpus: u32,
    /// In bytes.
    pub memory: u64,
    /// In milliseconds.
    pub time: u64,
    pub gpus: u32,
    pub partition: String,
}

impl Parse for Resources {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut resources = Self::default();
        let mut given: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let name = input
                .call(Ident::parse_any)
                .map_err(|error| Error::new(error.span(), "expected a resource like `cpus = 4`"))?;
            let text = name.to_string();
            if !NAMES.contains(&text.as_str()) {
                let all = format!("; the resources are `{}`", NAMES.join("`, `"));
                let mend = did_you_mean(&text, NAMES.iter().copied(), &all);
                return Err(Error::new(name.span(), format!("unknown resource `{text}`{mend}")));
            }
            if given.contains(&name) {
                let sentence = format!("`{name}` is given twice; keep one of the two");
                return Err(Error::new(name.span(), sentence));
            }
            if input.parse::<Token![=]>().is_err() || input.is_empty() || input.peek(Token![,]) {
                let example = example(&text);
                let sentence = format!("write `{text} = ..`, as in `{text} = {example}`");
                return Err(Error::new(name.span(), sentence));
            }
            resources.value(&text, input)?;
            given.push(name);
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                return Err(input.error("expected `,` and the next resource"));
            }
        }
        Ok(resources)
    }
}

impl Resources {
    fn value(&mut self, name: &str, input: ParseStream) -> Result<()> {
        match name {
            "cpus" => self.cpus = count(name, input)?,
            "gpus" => self.gpus = count(name, input)?,
            "memory" => {
                let sentence = "`memory` is a size in quotes, with `KB`, `MB`, `GB`, `KiB`, `MiB` or \
                                `GiB`, such as `\"8GiB\"`";
                self.memory = text(input, sentence, read_size)?;
            }
            "time" => {
                let sentence = "`time` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as \
                                `\"30m\"`";
                let milliseconds =
                    |text: &str| u64::try_from(read_duration(text)?.as_millis()).ok();
                self.time =
                    text(input, sentence, |text| milliseconds(text).filter(|time| *time > 0))?;
            }
            _ => {
                let sentence = "`partition` is a name in quotes, such as `\"long\"`";
                let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                self.partition = text(input, sentence, name)?;
            }
        }
        Ok(())
    }
}

fn example(name: &str) -> &'static str {
    match name {
        "memory" => "\"8GiB\"",
        "time" => "\"30m\"",
        "partition" => "\"long\"",
        _ => "4",
    }
}

/// Parses a whole number above zero.
pub fn count(name: &str, input: ParseStream) -> Result<u32> {
    let sentence = format!("`{name}` is a whole number from 1, such as `4`");
    let number: LitInt = input.parse().map_err(|error| Error::new(error.span(), &sentence))?;
    match number.base10_parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Error::new(number.span(), sentence)),
    }
}

/// Parses what stands in quotes.
fn text<T>(input: ParseStream, sentence: &str, read: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text: LitStr = input.parse().map_err(|error| Error::new(error.span(), sentence))?;
    read(&text.value()).ok_or_else(|| Error::new(text.span(), sentence))
}

/// Reads `8GiB` or `1.5 GB`, rounded up to whole bytes.
fn read_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit.trim_start() {
        "KB" | "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let of_whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let of_fraction = match fraction {
        "" if number.contains('.') => return None,
        "" => 0,
        digits if digits.len() > 9 => return None,
        digits => {
            let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
            let part = digits.parse::<u128>().ok()? * u128::from(unit);
            u64::try_from(part.div_ceil(scale)).ok()?
        }
    };
    of_whole.checked_add(of_fraction).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::read_size;

    #[test]
    fn sizes_are_read() {
        let read = ["8GiB", "1.5 KiB", "500MB", "0.25GB", "2KB"].map(read_size);
        let expected = [8 << 30, 1536, 500_000_000, 250_000_000, 2000].map(Some);
        assert_eq!(read, expected);
        for wrong in ["", "8", "GiB", "8 gib", "-1GiB", "0GB", "1.GiB", "1.2.3GB", "99999999999GiB"]
        {
            assert_eq!(read_size(wrong), None, "{wrong}");
        }
    }
}
