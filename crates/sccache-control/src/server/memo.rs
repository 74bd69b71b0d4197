//! What a server said when it was asked. It keeps its settings for as long as it lives, so while
//! the same process listens with the same socket, nobody has to ask again: no process, no
//! connection, and no clock, since a start time is counted in ticks from the start of the machine.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::asked::Settings;
use super::process::Process;
use super::runtime::Runtime;
use sccfg_util::fsio::{self, FileId};

/// What is remembered of the server at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memo {
    /// Who it is.
    pub process: Process,
    /// The program it runs.
    pub program: FileId,
    /// What it said.
    pub settings: Settings,
    /// What sccache said that a server should be, where sccfg cannot say it by itself.
    pub wanted: Option<Answer>,
    /// The settings that a restart did not bring about: not tried again.
    pub in_vain: Option<u64>,
}

/// What sccache made of a config file and variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// A digest of the file and the variables.
    pub question: u64,
    /// What a server of them would be.
    pub settings: Settings,
}

impl Memo {
    /// What is remembered of the server at `address`, if it is still that one.
    pub fn read(runtime: &Runtime, address: &Address) -> Option<Self> {
        let bytes = fsio::bytes(runtime.memo(address))?;
        let memo: Self = serde_json::from_slice(&bytes).ok()?;
        memo.process.still_listens(address).then_some(memo)
    }

    /// Remembers it. What cannot be written is asked again.
    pub fn write(&self, runtime: &Runtime, address: &Address) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = fsio::replace(&runtime.memo(address), &bytes);
        }
    }
}
