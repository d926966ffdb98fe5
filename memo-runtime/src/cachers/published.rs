//! [`Published`]: a cacher whose artifact also appears at a path of the user's choice.

use std::borrow::Cow;

use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::error::Result;

/// A cacher whose artifact also appears at a path of one's own.
///
/// The built-in cachers make it by their `publish`; `new` makes it of any other. The template's
/// fields are told by [`template_fields`](super::template_fields). It changes no bytes and no key.
///
/// ```
/// use memo_runtime::cachers::{Json, Published};
/// use memo_runtime::Cacheable;
///
/// let cacher = Json.publish("results/{record}/score.json");
/// assert_eq!(Cacheable::<f64>::published(&cacher), Some("results/{record}/score.json"));
/// assert_eq!(Cacheable::<f64>::format(&cacher), Cacheable::<f64>::format(&Json));
/// assert_eq!(cacher, Published::new(Json, "results/{record}/score.json"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published<C> {
    cacher: C,
    template: Cow<'static, str>,
}

impl<C> Published<C> {
    /// Makes `cacher` publish its artifact at `template`.
    pub fn new(cacher: C, template: impl Into<Cow<'static, str>>) -> Self {
        Self { cacher, template: template.into() }
    }
}

impl<T, C: Cacheable<T>> Cacheable<T> for Published<C> {
    fn format(&self) -> Format {
        self.cacher.format()
    }

    fn save(&self, value: &T, artifact: &Artifact) -> Result<()> {
        self.cacher.save(value, artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<T> {
        self.cacher.load(artifact)
    }

    fn check(&self, artifact: &Artifact) -> Result<()> {
        self.cacher.check(artifact)
    }

    fn looks_outside(&self) -> bool {
        self.cacher.looks_outside()
    }

    fn takes_over(&self) -> bool {
        self.cacher.takes_over()
    }

    fn published(&self) -> Option<&str> {
        Some(&self.template)
    }
}
