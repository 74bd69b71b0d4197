//! What the source of a build script says about its runs.
//!
//! A run can be repeated from the store if its inputs are known: its files, its variables, and the
//! programs and libraries of the machine. A script that asks for anything else, such as the time, is
//! run each time. A script that only names such a thing is run each time as
//! well.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::dep_info::DepInfo;
use crate::macro_effects::{MacroEffects, names, texts, words};
use crate::uncacheable::Uncacheable;
use sccfg_util::fsio;

/// The names and texts of a build script.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Source {
    names: BTreeSet<String>,
    /// The texts in quotes.
    pub(super) texts: BTreeSet<String>,
}

// Names in code, and words of texts, which may be the name of a program.

const CLOCK: [&str; 16] = [
    "Instant",
    "OffsetDateTime",
    "SystemTime",
    "UNIX_EPOCH",
    "chrono",
    "date",
    "accessed",
    "clock_gettime",
    "created",
    "gettimeofday",
    "modified",
    "mtime",
    "jiff",
    "now",
    "now_local",
    "now_utc",
];
const NETWORK: [&str; 16] = [
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixStream",
    "aria2c",
    "attohttpc",
    "curl",
    "download",
    "hyper",
    "isahc",
    "minreq",
    "reqwest",
    "rsync",
    "ureq",
    "wget",
];
const RANDOM: [&str; 7] = [
    "RandomState",
    "fastrand",
    "getrandom",
    "rand",
    "random",
    "thread_rng",
    "uuid",
];
/// What differs between users, machines, or two runs on one machine.
const MACHINE: [&str; 11] = [
    "current_exe",
    "gethostname",
    "getpid",
    "getuid",
    "home_dir",
    "hostname",
    "id",
    "sysinfo",
    "uname",
    "whoami",
    "who",
];
const PROCESSOR: [&str; 6] = [
    "-march=native",
    "-mcpu=native",
    "-mtune=native",
    "is_aarch64_feature_detected",
    "is_x86_feature_detected",
    "raw_cpuid",
];
const GIT: [&str; 7] = [".git", "built", "git", "git2", "gix", "shadow_rs", "vergen"];
/// Directories of the system whose files differ each time.
const OF_THE_SYSTEM: [&str; 4] = ["/dev", "/proc", "/run", "/sys"];

impl Source {
    /// Reads the files that dep-info lists. `root` is the directory in which the compiler ran.
    pub(super) fn read(dep_info: &Path, root: &Path) -> Option<Self> {
        let listed = String::from_utf8(fsio::read_bytes(dep_info)?).ok()?;
        let mut source = Self::default();
        for file in DepInfo::parse(&listed)?.files {
            let text = fsio::read_bytes(root.join(file))?;
            let text = String::from_utf8_lossy(&text);
            let names = names(&text).into_iter();
            source.names.extend(names.map(ToOwned::to_owned));
            let texts = texts(&text).into_iter();
            source.texts.extend(texts.map(ToOwned::to_owned));
        }
        Some(source)
    }

    /// Whether a name, a text, or a word of a text is one of these words.
    fn has(&self, words: &[&str]) -> bool {
        let is_in_text = |text: &String| {
            let mut parts =
                text.split(|letter: char| letter.is_whitespace() || "/();`$".contains(letter));
            words.contains(&text.as_str()) || parts.any(|part| words.contains(&part))
        };
        words.iter().any(|word| self.names.contains(*word)) || self.texts.iter().any(is_in_text)
    }

    /// The names, and the words in texts.
    pub(super) fn words(&self) -> BTreeSet<&str> {
        let names = self.names.iter().map(String::as_str);
        names
            .chain(self.texts.iter().flat_map(|text| words(text)))
            .collect()
    }

    /// Why runs cannot be cached, if so. `effects` are those of the crates that it uses.
    pub(super) fn hazard(&self, effects: &MacroEffects) -> Option<Uncacheable> {
        let runs = effects.inputs();
        let is_of_system = |text: &String| {
            OF_THE_SYSTEM
                .iter()
                .any(|directory| Path::new(text).starts_with(directory))
                && text != "/dev/null"
        };
        if runs.is_unknown {
            Some(Uncacheable::ScriptUnknown)
        } else if self.has(&CLOCK) || runs.reads_clock() {
            Some(Uncacheable::ScriptClock)
        } else if self.has(&NETWORK) || runs.uses_network {
            Some(Uncacheable::ScriptNetwork)
        } else if self.has(&RANDOM) {
            Some(Uncacheable::ScriptRandom)
        } else if self.has(&MACHINE) || self.texts.iter().any(is_of_system) {
            Some(Uncacheable::ScriptMachine)
        } else {
            None
        }
    }

    /// Whether it may read the state of the git repository.
    pub(super) fn reads_git(&self, effects: &MacroEffects) -> bool {
        effects.inputs().history || self.has(&GIT)
    }

    /// Whether it may ask which processor this is.
    pub(super) fn reads_processor(&self) -> bool {
        self.has(&PROCESSOR)
    }

    /// Whether it may run programs.
    pub(super) fn runs_programs(&self) -> bool {
        self.has(&["Command", "process"])
    }
}
