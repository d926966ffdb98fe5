//! [`Policy`]: what a run asks for, beyond what the stages say.

use crate::stage::StageSpec;

/// Which stages something applies to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Selection {
    #[default]
    None,
    All,
    /// Ends of names of stages, which [`find_stage`] completes.
    Named(Vec<String>),
}

impl Selection {
    /// Returns the names as they were given.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::None | Self::All => &[],
            Self::Named(names) => names,
        }
    }

    pub(crate) fn covers(&self, stage: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| is_end(name, stage)),
        }
    }
}

/// What a run asks for.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Stages that are computed again, and kept.
    pub(crate) force: Selection,
    /// Stages that are neither looked up nor kept.
    pub(crate) no_cache: Selection,
    /// What stages that say nothing of caching do.
    pub(crate) cache: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { force: Selection::None, no_cache: Selection::None, cache: true }
    }
}

impl Policy {
    /// Returns who has turned caching off for a stage. A run's word beats a stage's, a stage's beats
    /// the experiment's.
    pub(crate) fn uncached_by(&self, spec: &StageSpec) -> Option<&'static str> {
        if self.no_cache.covers(spec.name) {
            Some("the run")
        } else {
            match spec.cache {
                Some(true) => None,
                Some(false) => Some("the stage"),
                None => (!self.cache).then_some("the experiment"),
            }
        }
    }
}

/// Finds the full name of a stage by any end of it that is unique.
///
/// `fit` and `model::fit` both find `digits::model::fit`. The error is a sentence.
pub(crate) fn find_stage<'a>(wanted: &str, names: &[&'a str]) -> Result<&'a str, String> {
    let mut found: Vec<&str> = names.iter().copied().filter(|name| is_end(wanted, name)).collect();
    // A full name is meant as such, also where it is the end of another.
    if names.contains(&wanted) {
        found.retain(|name| *name == wanted);
    }
    match found[..] {
        [one] => Ok(one),
        [] => {
            let short = names.iter().map(|name| name.rsplit("::").next().unwrap_or(name));
            Err(format!(
                "no stage is named `{wanted}`{}",
                crate::error::did_you_mean(wanted, short)
            ))
        }
        _ => Err(format!("`{wanted}` could be {}; give more of the name", found.join(" or "))),
    }
}

fn is_end(wanted: &str, name: &str) -> bool {
    name.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_unique_end_of_a_name_finds_a_stage() {
        let names = ["digits::fit", "digits::model::score", "other::score"];
        assert_eq!(find_stage("fit", &names), Ok("digits::fit"));
        assert_eq!(find_stage("model::score", &names), Ok("digits::model::score"));
        assert!(find_stage("score", &names).unwrap_err().contains("give more of the name"));
        assert!(find_stage("it", &names).unwrap_err().contains("did you mean `fit`?"));
    }
}
