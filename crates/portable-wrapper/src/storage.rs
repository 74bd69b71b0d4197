//! Where a unit is looked up, and in which order: the local store, then sccache.
//!
//! Without the store, sccache does everything. With it, sccache is asked on a miss of the store where
//! another machine may have the unit. Where sccache's cache is on this machine's disk, it is not
//! asked: the wrapper compiles the unit itself.

use std::path::Path;

use super::cache_entry::CacheEntry;
use super::compiler::Compiler;
use super::lookup::{Lookup, look_up_by_sccache};
use super::protocol::CompileRequest;
use super::sccache::{Sccache, StderrReader};
use super::shim;
use super::state_dir::StateDir;
use super::store::LocalStore;
use super::store::settings::sccache_is_shared;
use super::uncacheable::Uncacheable;

/// How a unit is compiled that is stored nowhere.
pub(super) struct Compiling<'a> {
    /// The crate's name, as sccache is to log it.
    pub(super) crate_name: &'a str,
    /// The compiler that sccache is to know.
    pub(super) compiler: &'a Compiler,
    pub(super) state: &'a StateDir,
    /// Gets each line that the compiler writes to standard error, where this process runs it.
    pub(super) on_stderr: &'a dyn Fn(&[u8]),
}

/// Where the units of a build are stored.
pub(super) struct Storage {
    store: Option<LocalStore>,
    behind: Behind,
}

/// What is behind the store.
enum Behind {
    Sccache(Sccache),
    /// sccache has nothing that the store has not.
    Nothing,
    Unusable(Uncacheable),
}

impl Storage {
    /// The storage of this build, for a unit with a key. `out_dir` is as in [`Sccache::find`].
    pub(super) fn find(reader: StderrReader, out_dir: Option<&Path>) -> Result<Self, Uncacheable> {
        let store = StateDir::find().and_then(|state| LocalStore::find(&state));
        let behind = if store.is_some() && !sccache_is_shared() {
            Behind::Nothing
        } else {
            match Sccache::find(reader, out_dir) {
                Ok(sccache) => Behind::Sccache(sccache),
                Err(why) if store.is_some() => Behind::Unusable(why),
                Err(why) => return Err(why),
            }
        };
        Ok(Self { store, behind })
    }

    /// The storage for units without a key.
    pub(super) fn without_store(
        reader: StderrReader,
        out_dir: Option<&Path>,
    ) -> Result<Self, Uncacheable> {
        Ok(Self {
            store: None,
            behind: Behind::Sccache(Sccache::find(reader, out_dir)?),
        })
    }

    /// sccache, where it is asked for units with a key.
    pub(super) fn sccache(&self) -> Option<&Sccache> {
        match &self.behind {
            Behind::Sccache(sccache) => Some(sccache),
            Behind::Nothing | Behind::Unusable(_) => None,
        }
    }

    /// sccache, for a unit that gets no key after all.
    pub(super) fn into_sccache(
        self,
        reader: StderrReader,
        out_dir: Option<&Path>,
    ) -> Option<Sccache> {
        match self.behind {
            Behind::Sccache(sccache) => Some(sccache),
            Behind::Nothing => Sccache::find(reader, out_dir).ok(),
            Behind::Unusable(_) => None,
        }
    }

    /// Looks up `request` under each key that the [protocol](super::protocol) allows, and compiles it if
    /// it is stored nowhere.
    pub(super) fn look_up(
        &self,
        mut request: CompileRequest,
        compiling: &Compiling<'_>,
    ) -> Result<Lookup, Uncacheable> {
        let mut leak = None;
        loop {
            match self.look_up_once(&request, compiling)? {
                Lookup::Entry { entry, hit, .. } => match request.retry(&entry) {
                    Some(next) => {
                        leak = entry.leak;
                        request = next;
                    }
                    None => return Ok(Lookup::Entry { entry, hit, leak }),
                },
                failed @ Lookup::CompileFailed(_) => return Ok(failed),
            }
        }
    }

    fn look_up_once(
        &self,
        request: &CompileRequest,
        compiling: &Compiling<'_>,
    ) -> Result<Lookup, Uncacheable> {
        let by_sccache = |sccache| {
            let shim = shim::path(compiling.compiler, compiling.state);
            let shim = shim.ok_or(Uncacheable::NoShim)?;
            look_up_by_sccache(request, compiling.crate_name, sccache, &shim)
        };
        let store = match (&self.store, &self.behind) {
            (Some(store), _) => store,
            (None, Behind::Sccache(sccache)) => return by_sccache(sccache),
            (None, Behind::Unusable(why)) => return Err(*why),
            (None, Behind::Nothing) => return compile_here(request, compiling),
        };
        if let Some(entry) = store.take(request) {
            return Ok(found(entry, true));
        }
        // Another build may be compiling the same unit: its result is worth waiting for.
        let lock = store.lock(request);
        if let Some(lock) = &lock
            && lock.had_to_wait
            && let Some(entry) = store.take(request)
        {
            return Ok(found(entry, true));
        }
        let looked_up = match &self.behind {
            Behind::Sccache(sccache) => by_sccache(sccache),
            Behind::Nothing => compile_here(request, compiling),
            Behind::Unusable(why) => Err(*why),
        };
        let looked_up = match looked_up {
            // In this process there are no limits of the server's.
            Ok(Lookup::CompileFailed(result)) if !result.is_source_error => {
                compile_here(request, compiling)
            }
            // sccache has reported its failure.
            Err(Uncacheable::SccacheDisabled) => compile_here(request, compiling),
            looked_up => looked_up,
        }?;
        match &looked_up {
            Lookup::Entry { entry, hit, .. } if *hit => store.keep_restored(request, entry),
            Lookup::Entry { entry, .. } => store.keep(request, entry),
            Lookup::CompileFailed(_) => {}
        }
        Ok(looked_up)
    }
}

fn found(entry: CacheEntry, hit: bool) -> Lookup {
    Lookup::Entry {
        entry: Box::new(entry),
        hit,
        leak: None,
    }
}

/// Compiles a request in a child of this process.
fn compile_here(
    request: &CompileRequest,
    compiling: &Compiling<'_>,
) -> Result<Lookup, Uncacheable> {
    let result = shim::make(request, compiling.on_stderr).map_err(|_| Uncacheable::NoWorkDir)?;
    if result.status > 128 {
        return Err(Uncacheable::CompilerKilled);
    }
    if result.status != 0 {
        return Ok(Lookup::CompileFailed(result));
    }
    let entry = CacheEntry::read(&request.work.join(&request.entry), &request.key);
    Ok(found(entry.ok_or(Uncacheable::NoWorkDir)?, false))
}
