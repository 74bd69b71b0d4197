//! ccache under the name of a compiler, which precedes the compiler on `PATH`. Source: ccache's manual, "Run modes" and
//! "Configuration".

use std::path::{Path, PathBuf};

use sccfg_util::{env, fsio};

/// Variables that determine which compiler ccache runs.
const CHOOSING_VARIABLES: [&str; 3] = ["CCACHE_COMPILER", "CCACHE_PATH", "CCACHE_PREFIX"];
/// Options of its configuration that determine which compiler ccache runs.
const CHOOSING_OPTIONS: [&str; 3] = ["compiler", "path", "prefix_command"];

/// Whether the program at `path` is ccache.
pub(super) fn is_one(path: &Path) -> bool {
    let real = path.canonicalize();
    real.is_ok_and(|real| real.file_name() == Some("ccache".as_ref()))
}

/// The compiler that ccache runs under the name of `program`: the next one on `PATH`. `program` itself if it is not ccache;
/// `None` if a variable determines which compiler runs.
pub(super) fn compiler_behind(program: PathBuf) -> Option<PathBuf> {
    if !is_one(&program) {
        return Some(program);
    }
    let name = program.file_name()?;
    let directories = env::search_path();
    let mut programs = directories.iter().map(|directory| directory.join(name));
    let is_other = |path: &PathBuf| fsio::is_executable(path) && !is_one(path);
    let is_unset = |name: &&str| env::var_os(name).is_none();
    programs
        .find(is_other)
        .filter(|_| CHOOSING_VARIABLES.iter().all(is_unset))
}

/// The existing configuration files of ccache.
pub(super) fn configuration() -> Vec<PathBuf> {
    let home = env::home_dir().unwrap_or_default();
    let set = |name: &str| env::var_os(name).map(PathBuf::from);
    let directory = |name: &str, default: &str| {
        let base = set(name).unwrap_or_else(|| home.join(default));
        base.join("ccache")
    };
    let directories = [
        set("CCACHE_DIR"),
        Some(home.join(".ccache")),
        Some(directory("XDG_CONFIG_HOME", ".config")),
        Some(directory("XDG_CACHE_HOME", ".cache")),
    ];
    let files = directories.into_iter().flatten();
    let files = files.map(|directory| directory.join("ccache.conf"));
    let files = files.chain(set("CCACHE_CONFIGPATH"));
    files.filter(|file| file.is_file()).collect()
}

/// Whether the text of a configuration file determines which compiler ccache runs.
pub(super) fn chooses_compiler(text: &str) -> bool {
    let mut options = text.lines().filter_map(|line| line.split_once('='));
    options.any(|(name, _)| CHOOSING_OPTIONS.contains(&name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_may_name_the_compiler() {
        assert!(chooses_compiler("max_size = 1G\ncompiler = clang\n"));
        assert!(!chooses_compiler(
            "max_size = 1G\ncompiler_check = content\n"
        ));
    }
}
