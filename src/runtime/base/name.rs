//! Names that the user may change: what messages and traces call an object.

use super::lock::{Guard, Lock, rank};
use std::fmt;
use std::sync::Arc;

/// Names longer than this are cut, so that no message grows without bound.
const MAX: usize = 256;

/// See the module.
pub(crate) struct Name {
    /// Where the user gives none.
    default: Arc<str>,
    given: Lock<Option<Arc<str>>, { rank::NAME }>,
}

impl Name {
    /// The name that the user gave, or the default.
    pub(crate) fn new(given: Option<&str>, default: &str) -> Name {
        Name { default: cut(default), given: Lock::new(given.map(cut)) }
    }

    /// The name now.
    pub(crate) fn get(&self) -> Arc<str> {
        self.lock().clone().unwrap_or_else(|| self.default.clone())
    }

    /// The name that the user gave; "" if there is none.
    pub(crate) fn given(&self) -> Arc<str> {
        self.lock().clone().unwrap_or_default()
    }

    /// Another name; `None` is the default again.
    pub(crate) fn set(&self, given: Option<&str>) {
        *self.lock() = given.map(cut);
    }

    fn lock(&self) -> Guard<'_, Option<Arc<str>>> {
        self.given.lock()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.get())
    }
}

/// A name of at most [`MAX`] bytes.
pub(crate) fn cut(name: &str) -> Arc<str> {
    name[..name.floor_char_boundary(MAX)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_and_come_back() {
        let name = Name::new(None, "stream 1");
        assert_eq!(name.to_string(), "stream 1");
        name.set(Some("decode"));
        assert_eq!(name.to_string(), "decode");
        name.set(None);
        assert_eq!(name.to_string(), "stream 1");
        name.set(Some(&"\u{e9}".repeat(200)));
        assert_eq!(name.get().len(), 256);
    }
}
