//! Where literals end.

/// The end of a number that begins at `at`, without its suffix.
pub fn number(bytes: &[u8], at: usize) -> usize {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let is_based = byte(at) == b'0' && matches!(byte(at + 1), b'x' | b'o' | b'b');
    if is_based {
        let is_digit: fn(u8) -> bool = match byte(at + 1) {
            b'x' => |digit| digit.is_ascii_hexdigit() || digit == b'_',
            _ => |digit| digit.is_ascii_digit() || digit == b'_',
        };
        return run(bytes, at + 2, is_digit);
    }
    let mut end = digits(bytes, at);
    // `1..2` is a range, `1.max(2)` a call.
    if byte(end) == b'.' && byte(end + 1) != b'.' && !begins_name(byte(end + 1)) {
        end = digits(bytes, end + 1);
    }
    if matches!(byte(end), b'e' | b'E') {
        let sign = usize::from(matches!(byte(end + 1), b'+' | b'-'));
        let exponent = run(bytes, end + 1 + sign, |digit| digit == b'_');
        if byte(exponent).is_ascii_digit() {
            end = digits(bytes, exponent);
        }
    }
    end
}

fn digits(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, |digit| digit.is_ascii_digit() || digit == b'_')
}

fn run(bytes: &[u8], at: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let mut end = at;
    while end < bytes.len() && is_part(bytes[end]) {
        end += 1;
    }
    end
}

fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// The end of what a quote closes that is not escaped.
pub fn quoted(bytes: &[u8], at: usize, quote: u8) -> Option<usize> {
    let mut at = at;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == quote {
            return Some(at + 1);
        }
        at += if byte == b'\\' { 2 } else { 1 };
    }
    None
}

/// Whether the `#`s at `at` are those of a raw string.
pub fn is_raw(bytes: &[u8], at: usize) -> bool {
    let quote = run(bytes, at, |byte| byte == b'#');
    bytes.get(quote) == Some(&b'"')
}

/// The end of a raw string whose `#`s or quote stand at `at`.
pub fn raw(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = run(bytes, at, |byte| byte == b'#');
    let hashes = quote - at;
    let mut end = quote + 1;
    while end < bytes.len() {
        if bytes[end] == b'"' {
            let behind = run(bytes, end + 1, |byte| byte == b'#');
            if behind - (end + 1) >= hashes {
                return Some(end + 1 + hashes);
            }
        }
        end += 1;
    }
    None
}

/// The end of the character at `at`, which is a `'`; no end for a lifetime, nothing for neither.
#[expect(clippy::option_option, reason = "what the lines above say")]
pub fn char_or_lifetime(text: &str, at: usize) -> Option<Option<usize>> {
    let first = text[at + 1..].chars().next()?;
    let behind = at + 1 + first.len_utf8();
    if first == '\\' {
        return quoted(text.as_bytes(), at + 1, b'\'').map(Some);
    }
    if first != '\'' && text.as_bytes().get(behind) == Some(&b'\'') {
        return Some(Some(behind + 1));
    }
    let is_name = first.is_alphabetic() || first == '_' || !first.is_ascii();
    is_name.then_some(None)
}
