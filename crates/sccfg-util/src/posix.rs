//! Quoting for POSIX shells.

use std::borrow::Cow;

/// `text`, quoted as one word of a POSIX shell.
pub fn quote(text: &str) -> String {
    // The only error is a zero byte, which neither variables nor arguments can contain.
    let quoter = shlex::Quoter::new().allow_nul(true);
    quoter.quote(text).map(Cow::into_owned).unwrap_or_default()
}
