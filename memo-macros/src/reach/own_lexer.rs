//! Which lexer makes the tokens of the files that are read here.

use std::cell::Cell;

thread_local! {
    static LIVING: Cell<usize> = const { Cell::new(0) };
}

/// While one lives, tokens are made by `proc_macro2` and not by rustc: a call into rustc for each
/// token would take longer than everything else, and the two kinds of token do not mix.
pub struct OwnLexer(());

impl OwnLexer {
    pub fn new() -> Self {
        LIVING.set(LIVING.get() + 1);
        proc_macro2::fallback::force();
        Self(())
    }
}

impl Drop for OwnLexer {
    fn drop(&mut self) {
        LIVING.set(LIVING.get() - 1);
        if LIVING.get() == 0 {
            proc_macro2::fallback::unforce();
        }
    }
}
