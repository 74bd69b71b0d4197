//! What ninja leaves in a directory in which it builds.

use std::io::Read as _;
use std::path::Path;

use sccfg_util::fsio;

/// How the log begins (`deps_log.cc` of ninja).
const SIGNATURE: &[u8] = b"# ninjadeps\n";

/// Whether the file at `path` is ninja's log of the headers that it found. It contains paths of the checkout as binary records, with
/// the times of objects. It is not stored: without it, or with the times of other objects, ninja builds again what has headers.
pub(crate) fn is_deps_log(path: &Path) -> bool {
    if path.file_name().is_none_or(|name| name != ".ninja_deps") {
        return false;
    }
    let mut start = [0; SIGNATURE.len()];
    let read = fsio::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == SIGNATURE
}
