//! Text for POSIX shells.

use std::borrow::Cow;

/// `text` as one word of a POSIX shell.
pub fn word(text: &str) -> String {
    // No variable and no argument can hold a zero byte; the other error there is not.
    let quoter = shlex::Quoter::new().allow_nul(true);
    quoter.quote(text).map(Cow::into_owned).unwrap_or_default()
}
