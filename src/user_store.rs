//! The local store of this user, for commands that report on it.

use std::time::Duration;

use crate::build_report::time::ago;
use portable_wrapper::state_dir::StateDir;
use portable_wrapper::store::lookups;
use portable_wrapper::store::settings::Settings;
use sccache_control::stats::front::{FrontCount, FrontTally};
use sccache_control::stats::view::{StoreView, Usage};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

use local_store::Store;

/// The hint if the directory of the store cannot be used.
pub(crate) const ELSEWHERE: &str = "name another directory: sccfg config set store.dir DIR";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The local store and its settings.
#[derive(Debug)]
pub(crate) struct UserStore {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
}

impl UserStore {
    /// The store that the environment and the settings select, also if nothing was stored yet.
    ///
    /// # Errors
    /// If there is no home directory, or the settings cannot be read.
    pub(crate) fn find() -> Result<Self, Problem> {
        let state = StateDir::find().ok_or_else(|| {
            Problem::new("could not find the home directory: HOME is not set to an absolute path")
                .hint("set HOME")
        })?;
        let settings = Settings::load(&state)?;
        let store = settings.store();
        Ok(Self { settings, store })
    }

    /// The store, if anything was stored or looked up in it.
    ///
    /// # Errors
    /// If the settings cannot be read.
    pub(crate) fn in_use() -> Result<Option<Self>, Problem> {
        if StateDir::find().is_none() {
            return Ok(None);
        }
        let found = Self::find()?;
        Ok(found.store.size().is_some().then_some(found))
    }

    /// The problem of the settings or the directory that prevents storing. To test a missing directory, it is created and
    /// removed.
    pub(crate) fn fault(&self) -> Option<Problem> {
        let tried = || {
            let error = self.store.try_to_use().err()?;
            let dir = self.settings.dir.display();
            let what = format!("nothing can be stored in the local store {dir}: {error}");
            Some(Problem::new(what).hint(ELSEWHERE))
        };
        self.visible_fault()
            .or_else(|| self.settings.is_enabled.then(tried).flatten())
    }

    /// As [`fault`](Self::fault), without creating the directory.
    pub(crate) fn visible_fault(&self) -> Option<Problem> {
        let dir = self.settings.dir.display();
        if !self.settings.is_enabled {
            return None;
        }
        if self.store.is_foreign() {
            let what = format!(
                "{dir} has files that are not of a local store, so nothing is stored there"
            );
            let own = self.settings.dir.join("sccfg");
            let hint = format!(
                "name a directory of its own: sccfg config set store.dir {}",
                own.display()
            );
            return Some(Problem::new(what).hint(hint));
        }
        if let Some(obstacle) = self.store.obstacle() {
            let amount = if obstacle.is_partial {
                "not everything"
            } else {
                "nothing"
            };
            let what = format!("{amount} can be stored in the local store {dir}: {obstacle}");
            return Some(Problem::new(what).hint(obstacle.hint(ELSEWHERE)));
        }
        (!self.store.has_space()).then(|| {
            let size = self.settings.size.rounded();
            Problem::new(format!(
                "nothing fits into the local store: its limit is {size}"
            ))
            .hint("sccfg config set store.size 5GiB, or sccfg config set store.enabled false")
        })
    }

    /// That entries are evicted within a day, because the limit is too low.
    pub(crate) fn shortage(&self) -> Option<Problem> {
        if !self.store.is_full() {
            return None;
        }
        let used = self.store.size()?;
        let size = self.settings.size;
        let oldest = self.store.oldest_use().filter(|age| *age < DAY)?;
        let what = format!(
            "the local store is full ({} of {}), and its oldest entries were used {}",
            ByteSize::from_bytes(used).rounded(),
            size.rounded(),
            ago(oldest.as_secs())
        );
        let double = ByteSize::from_bytes(size.bytes().saturating_mul(2));
        Some(Problem::new(what).hint(format!("sccfg config set store.size {double}")))
    }

    /// The lookups since the counters started at zero.
    pub(crate) fn tally(&self) -> FrontTally {
        tally(&self.store)
    }

    /// The view for `sccfg stats`.
    pub(crate) fn view(&self) -> StoreView {
        StoreView {
            directory: self.settings.dir.display().to_string(),
            usage: Usage {
                used: self.store.size().map(ByteSize::from_bytes),
                max_size: Some(self.settings.size),
            },
            tally: self.tally(),
        }
    }
}

/// The lookups in `store` since its counters started at zero.
pub(crate) fn tally(store: &Store) -> FrontTally {
    let counts = lookups(store).into_iter().map(|(language, lookups)| {
        let count = FrontCount {
            hits: lookups.hits,
            misses: lookups.misses,
            passed_on: lookups.passed_on,
        };
        (language, count)
    });
    FrontTally(counts.collect())
}
