//! The batch script of a submission: it becomes the program, so that signals reach it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{Error, Request};

/// Writes the script that becomes `request`'s program, its tasks counted from `base`.
pub(super) fn script(request: &Request, base: u32) -> Result<Vec<u8>, Error> {
    let mut script = b"#!/bin/sh\n".to_vec();
    for line in &request.setup {
        script.extend(line.as_bytes());
        script.push(b'\n');
    }
    if request.indices.is_some() {
        let count = if base == 0 {
            "\"$SLURM_ARRAY_TASK_ID\"".to_owned()
        } else {
            format!("\"$((SLURM_ARRAY_TASK_ID + {base}))\"")
        };
        let variable = &request.index_variable;
        script.extend(format!("{variable}={count}\nexport {variable}\n").as_bytes());
    }
    script.extend(b"exec ");
    script.extend(quoted(request.program.as_os_str())?);
    for argument in &request.arguments {
        script.push(b' ');
        script.extend(quoted(argument)?);
    }
    script.push(b'\n');
    Ok(script)
}

/// Writes `text` so that a shell takes it as one word, whatever is in it.
fn quoted(text: &OsStr) -> Result<Vec<u8>, Error> {
    let mut word = vec![b'\''];
    for byte in text.as_bytes() {
        match byte {
            0 => return Err(Error::Request(format!("`{}` has a NUL in it", text.display()))),
            b'\'' => word.extend(b"'\\''"),
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
    Ok(word)
}

/// Writes `folder` so that Slurm takes it literally in the name of a log.
pub(super) fn literally(folder: &Path) -> Result<std::ffi::OsString, Error> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut name = Vec::new();
    for byte in folder.as_os_str().as_bytes() {
        match byte {
            b'%' => name.extend(b"%%"),
            // It would switch off all placeholders, those that are meant as well.
            b'\\' | b'\n' => {
                let told = folder.display();
                return Err(Error::Request(format!(
                    "Slurm cannot write a log below `{told}`: there is a backslash or a line break in the name"
                )));
            }
            byte => name.push(*byte),
        }
    }
    Ok(std::ffi::OsString::from_vec(name))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_script_becomes_the_program() {
        let mut request = Request::new("/a b/exe".into(), super::super::Name::new("n").unwrap());
        request.arguments = vec!["--run".into(), "it's".into()];
        let text =
            |request: &Request, base| String::from_utf8(script(request, base).unwrap()).unwrap();
        assert_eq!(text(&request, 0), "#!/bin/sh\nexec '/a b/exe' '--run' 'it'\\''s'\n");
        request.indices = Some([3, 4].into_iter().collect());
        request.setup = vec!["module load x".to_owned()];
        assert_eq!(
            text(&request, 1000),
            "#!/bin/sh\nmodule load x\nMEMO_TASK=\"$((SLURM_ARRAY_TASK_ID + 1000))\"\nexport MEMO_TASK\n\
             exec '/a b/exe' '--run' 'it'\\''s'\n"
        );
    }

    #[test]
    fn names_of_logs_are_taken_literally_or_refused() {
        assert_eq!(literally(Path::new("/a%j b")).unwrap(), "/a%%j b");
        for wrong in ["/a\\b", "/a\nb"] {
            assert!(literally(Path::new(wrong)).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_gives_back_what_was_quoted(bytes in prop::collection::vec(1u8..=255, 0..60)) {
            let mut line = b"printf %s ".to_vec();
            line.extend(quoted(OsStr::from_bytes(&bytes)).unwrap());
            let output = Command::new("sh").arg("-c").arg(OsStr::from_bytes(&line)).output().unwrap();
            prop_assert_eq!(output.stdout, bytes);
        }
    }
}
