//! The names of objects in messages and traces. The user may change them.

use super::lock::{Guard, Lock, rank};
use std::fmt;
use std::sync::Arc;

/// A longer name is cut, so that no message grows without bound.
const MAX: usize = 256;

/// See the module.
pub(crate) struct Name {
    /// The name of an object that the user has not named.
    default: Arc<str>,
    given: Lock<Option<Arc<str>>, { rank::NAME }>,
}

impl Name {
    /// A name as the user gave it, or the default.
    pub(crate) fn new(given: Option<&str>, default: &str) -> Name {
        Name { default: cut(default), given: Lock::new(given.map(cut)) }
    }

    /// The current name.
    pub(crate) fn get(&self) -> Arc<str> {
        self.lock().clone().unwrap_or_else(|| self.default.clone())
    }

    /// The name that the user gave; "" if there is none.
    pub(crate) fn given(&self) -> Arc<str> {
        self.lock().clone().unwrap_or_default()
    }

    /// Changes the name. `None` brings the default back.
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

/// The first [`MAX`] bytes of a name, or fewer where a character would be cut.
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
