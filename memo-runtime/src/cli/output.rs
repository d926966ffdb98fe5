//! [`Output`]: the only place that writes to standard output and standard error.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use clap::builder::styling::{AnsiColor, Style};

/// Standard output and standard error. A reader who has gone away (`| head`) is no error.
#[derive(Clone, Default)]
pub(crate) struct Output {
    /// Why standard output took no more.
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Output {
    /// Writes lines to standard output. Once that has failed, nothing more is written.
    pub(crate) fn result(&self, text: &str) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.is_none() {
            *failure = write_line(io::stdout().lock(), text).err();
        }
    }

    /// Writes lines to standard error, where nobody can be told of a failure.
    #[expect(clippy::unused_self, reason = "both streams are reached the same way")]
    pub(crate) fn note(&self, text: &str) {
        let _ = write_line(io::stderr().lock(), text);
    }

    /// Returns why standard output took no more, unless its reader went away.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }
}

fn write_line(mut stream: impl Write, text: &str) -> io::Result<()> {
    writeln!(stream, "{text}")?;
    stream.flush()
}

/// How a stream shows text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    is_terminal: bool,
    has_colours: bool,
}

impl Paint {
    pub(crate) fn stdout() -> Self {
        Self::of(io::stdout().is_terminal())
    }

    pub(crate) fn stderr() -> Self {
        Self::of(io::stderr().is_terminal())
    }

    fn of(is_terminal: bool) -> Self {
        Self { is_terminal, has_colours: is_terminal && colours_are_wanted() }
    }

    /// Plain text of any width.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { is_terminal: false, has_colours: false };

    pub(crate) fn is_terminal(self) -> bool {
        self.is_terminal
    }

    pub(crate) fn has_colours(self) -> bool {
        self.has_colours
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn warning(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default().bold(), text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.has_colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Says whether the environment has nothing against colours: `NO_COLOR`, `TERM=dumb`.
fn colours_are_wanted() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
