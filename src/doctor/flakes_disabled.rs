//! S059: Nix does not accept flakes.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio, proc};

pub(super) static CHECK: Check = Check {
    code: "S059",
    name: "Nix without flakes",
    why: "`nix develop` and `use flake` fail, so nobody enters the dev shell",
    find,
};

/// How deep files of Nix's configuration may include each other.
const MAX_DEPTH: usize = 8;

fn find(context: &Context) -> Vec<Finding> {
    let has_flake =
        context.policy().is_some() && fsio::exists(&context.repository.path("flake.nix"));
    let nix = find_program("nix".as_ref(), &env::search_path());
    // The dev shell was entered, perhaps with options on the command line.
    if context.is_dev_shell || !has_flake || nix.is_none() || is_configured() || !is_refused() {
        return Vec::new();
    }
    let what = "Nix does not have the experimental features that flakes require";
    let remedy = Remedy::Words(
        "write `experimental-features = nix-command flakes` into ~/.config/nix/nix.conf".to_owned(),
    );
    vec![Finding::error(what, remedy).at(Where::Path(user_file()))]
}

/// Whether one of the files that Nix reads enables flakes: most do, and no process is needed.
fn is_configured() -> bool {
    let named = env::var("NIX_CONFIG").unwrap_or_default();
    enables_flakes(&named, Path::new("/"), MAX_DEPTH)
        || [system_file(), user_file()]
            .iter()
            .any(|file| file_enables_flakes(file, MAX_DEPTH))
}

fn system_file() -> PathBuf {
    let directory = env::var_os("NIX_CONF_DIR").map(PathBuf::from);
    directory
        .unwrap_or_else(|| "/etc/nix".into())
        .join("nix.conf")
}

fn user_file() -> PathBuf {
    env::config_dir().unwrap_or_default().join("nix/nix.conf")
}

fn file_enables_flakes(file: &Path, depth: usize) -> bool {
    let text = fsio::read_text(file).unwrap_or_default();
    let directory = file.parent().unwrap_or(Path::new("/"));
    enables_flakes(&text, directory, depth)
}

fn enables_flakes(text: &str, directory: &Path, depth: usize) -> bool {
    text.lines().any(|line| {
        let code = line.split('#').next().unwrap_or_default().trim();
        if let Some((name, value)) = code.split_once('=') {
            let name = name.trim().trim_start_matches("extra-");
            return name == "experimental-features"
                && value.split_whitespace().any(|feature| feature == "flakes");
        }
        let include = code.trim_start_matches('!').strip_prefix("include ");
        include.is_some_and(|file| {
            depth > 0 && file_enables_flakes(&directory.join(file.trim()), depth - 1)
        })
    })
}

/// Whether Nix itself reports flakes as enabled: some distributions enable them without a file.
fn is_refused() -> bool {
    let args = ["flake", "metadata", "--offline", "path:/dev/null/none"];
    proc::output("nix", &args, Path::new("/")).is_ok_and(|output| {
        let said = String::from_utf8_lossy(&output.stderr);
        !output.status.success() && said.contains("xperimental") && said.contains("disabled")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_includes_are_read() {
        let enabled = |text| enables_flakes(text, Path::new("/nowhere"), 1);
        assert!(enabled("experimental-features = nix-command flakes\n"));
        assert!(enabled(
            "cores = 2\nextra-experimental-features = flakes # x"
        ));
        assert!(!enabled("# experimental-features = flakes"));
        assert!(!enabled(
            "experimental-features = nix-command\n!include more.conf"
        ));
        let directory = tempfile::tempdir().unwrap();
        let text = b"experimental-features = flakes\n";
        fsio::replace(&directory.path().join("more.conf"), text).unwrap();
        assert!(enables_flakes("!include more.conf\n", directory.path(), 1));
    }
}
