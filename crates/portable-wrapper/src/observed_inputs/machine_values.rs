//! Properties of the machine and the user that are constant between runs.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;

use serde::{Deserialize, Serialize};

use sccfg_util::fsio;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum MachineValue {
    /// The host name, and the version of the kernel.
    Host,
    /// The number of processors that a process may use.
    Processors,
    /// The user and group IDs.
    User,
}

impl MachineValue {
    /// The label of the key part with it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Host => "the name of the machine",
            Self::Processors => "the number of processors",
            Self::User => "the user",
        }
    }

    /// The present value.
    pub(super) fn now(self) -> String {
        match self {
            Self::Host => {
                let files = ["hostname", "domainname", "osrelease", "version"];
                let files = files.map(|name| Path::new("/proc/sys/kernel").join(name));
                let texts = files
                    .iter()
                    .map(|file| fsio::read_bytes(file).unwrap_or_default());
                texts
                    .map(|text| String::from_utf8_lossy(&text).into_owned())
                    .collect()
            }
            Self::Processors => thread::available_parallelism()
                .map_or_else(|_| String::new(), |number| number.to_string()),
            // A process owns its directory there.
            Self::User => Path::new("/proc/self").metadata().map_or_else(
                |_| String::new(),
                |own| format!("{} {}", own.uid(), own.gid()),
            ),
        }
    }
}
