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

/// What it is given after it has run out of time or memory; what was not written is as before.
#[derive(Clone, Default)]
pub struct MoreResources {
    pub cpus: u32,
    pub memory: More,
    pub time: More,
    pub gpus: u32,
    pub partition: String,
    /// The names that say how many times what was asked for.
    pub multiples: Vec<Ident>,
}

/// How much more of something.
#[derive(Clone, Copy, Default)]
pub enum More {
    #[default]
    Nothing,
    /// In hundredths of what was asked for.
    Times(u32),
    /// Bytes or milliseconds.
    To(u64),
}

impl Parse for Resources {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut resources = Self::default();
        named_values(input, |name, input| match &*name.to_string() {
            "cpus" => count("cpus", input).map(|cpus| resources.cpus = cpus),
            "gpus" => count("gpus", input).map(|gpus| resources.gpus = gpus),
            "memory" => text(input, MEMORY, read_size).map(|memory| resources.memory = memory),
            "time" => text(input, TIME, read_time).map(|time| resources.time = time),
            _ => partition(input).map(|name| resources.partition = name),
        })?;
        Ok(resources)
    }
}

impl Parse for MoreResources {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut more = Self::default();
        named_values(input, |name, input| {
            match &*name.to_string() {
                "cpus" => more.cpus = count("cpus", input)?,
                "gpus" => more.gpus = count("gpus", input)?,
                "memory" => more.memory = more_of(input, MORE_MEMORY, read_size)?,
                "time" => more.time = more_of(input, MORE_TIME, read_time)?,
                _ => more.partition = partition(input)?,
            }
            let amount = if name == "memory" { more.memory } else { more.time };
            if (name == "memory" || name == "time") && matches!(amount, More::Times(_)) {
                more.multiples.push(name.clone());
            }
            Ok(())
        })?;
        Ok(more)
    }
}

/// Parses `cpus = 4, memory = ..`, each name at most once.
fn named_values(
    input: ParseStream,
    mut value: impl FnMut(&Ident, ParseStream) -> Result<()>,
) -> Result<()> {
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
        value(&name, input)?;
        given.push(name);
        if !input.is_empty() && input.parse::<Token![,]>().is_err() {
            return Err(input.error("expected `,` and the next resource"));
        }
    }
    Ok(())
}

const MEMORY: &str = "`memory` is a size in quotes, with `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, such as \
                      `\"8GiB\"`";
const TIME: &str = "`time` is a time in quotes, with `s`, `m`, `h`, `d` or `w`, such as `\"30m\"`";
const MORE_MEMORY: &str = "`memory` is what the next attempt has, in quotes: so many times what the one before \
                           asked for, such as `\"x2\"`, or a size, such as `\"64GiB\"`";
const MORE_TIME: &str = "`time` is what the next attempt has, in quotes: so many times what the one before \
                         asked for, such as `\"x2\"`, or a time, such as `\"4h\"`";

fn read_time(text: &str) -> Option<u64> {
    let milliseconds = u64::try_from(read_duration(text)?.as_millis()).ok()?;
    (milliseconds > 0).then_some(milliseconds)
}

fn partition(input: ParseStream) -> Result<String> {
    let sentence = "`partition` is a name in quotes, such as `\"long\"`";
    text(input, sentence, |text| (!text.is_empty()).then(|| text.to_owned()))
}

fn more_of(input: ParseStream, sentence: &str, read: impl Fn(&str) -> Option<u64>) -> Result<More> {
    text(input, sentence, |text| match text.trim().strip_prefix('x') {
        Some(times) => read_times(times).map(More::Times),
        None => read(text).map(More::To),
    })
}

/// Reads `2` or `1.5` as hundredths; more than one, or it would not be more.
fn read_times(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 2 {
        return None;
    }
    let hundredths: u32 = format!("{fraction:0<2}").parse().ok()?;
    let all = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths)?;
    (all > 100).then_some(all)
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
    use super::{read_size, read_times};

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

    #[test]
    fn multiples_are_read() {
        assert_eq!(["2", "1.5", "1.25", "10"].map(read_times), [200, 150, 125, 1000].map(Some));
        for wrong in ["", "1", "0.5", "1.0", "-2", "2x", "1.255", "2.", ".5", "99999999999"] {
            assert_eq!(read_times(wrong), None, "{wrong}");
        }
    }
}
