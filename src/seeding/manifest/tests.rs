use std::process::Command;

use super::*;

/// A workspace in a temporary directory.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            fsio::replace_and_create_dir(&made.root().join(path), text.as_bytes()).unwrap();
        }
        made
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    /// What cargo sets for the package in `directory`: its build script prints it.
    #[allow(clippy::disallowed_methods, reason = "runs the real cargo")]
    fn set_by_cargo(&self, directory: &str) -> BTreeMap<String, String> {
        let root = self.root();
        let script = "fn main() { for (name, value) in std::env::vars() { println!(\"{name}={value:?}\"); } }\n";
        let package = root.join(directory);
        fsio::replace_and_create_dir(&package.join("build.rs"), script.as_bytes()).unwrap();
        fsio::replace_and_create_dir(&package.join("src/lib.rs"), b"").unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["check", "--offline", "-vv"])
            .current_dir(&package)
            .env_remove("RUSTC_WRAPPER")
            .env("CARGO_TARGET_DIR", root.join("target"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.split_once("] ")?.1.split_once('='));
        let of_package = lines.filter(|(name, _)| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        let unquoted = |value: &str| serde_json::from_str(value).unwrap();
        of_package
            .map(|(name, value)| (name.to_owned(), unquoted(value)))
            .collect()
    }

    #[track_caller]
    fn is_as_cargo_says(&self, directory: &str) {
        let package = Manifests::default()
            .package(&self.root(), Path::new(directory))
            .unwrap();
        assert_eq!(package.variables, self.set_by_cargo(directory));
    }
}

const FULL: &str = "[package]\nname = \"full\"\nversion = \"1.2.3-pre.4+meta\"\nedition = \"2021\"\nauthors = [\"a\", \"b <b@x>\"]\n\
    description = \"what\\nit is\"\nhomepage = \"https://h\"\nrepository = \"https://r\"\nlicense = \"MIT\"\n\
    license-file = \"L\"\nrust-version = \"1.70\"\nreadme = \"R.md\"\nlinks = \"x\"\n[workspace]\n";

const INHERITS: &str = "[package]\nname = \"low\"\nversion.workspace = true\nedition.workspace = true\nauthors.workspace = true\n\
    description.workspace = true\nhomepage.workspace = true\nrepository.workspace = true\nlicense.workspace = true\n\
    license-file = { workspace = true }\nrust-version.workspace = true\nreadme.workspace = true\n";

const WORKSPACE: &str = "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[workspace.package]\nversion = \"0.3.0\"\n\
    edition = \"2021\"\nauthors = [\"all\"]\ndescription = \"of all\"\nhomepage = \"https://h\"\nrepository = \"https://r\"\n\
    license = \"MIT\"\nlicense-file = \"LICENSE\"\nrust-version = \"1.71.0\"\nreadme = \"crates/ABOUT.md\"\n";

#[test]
fn a_package_declares_everything_itself() {
    Files::new(&[("Cargo.toml", FULL)]).is_as_cargo_says("");
}

#[test]
fn a_package_declares_nothing_itself() {
    let least = "[package]\nname = \"least\"\n[workspace]\n";
    Files::new(&[("Cargo.toml", least)]).is_as_cargo_says("");
    Files::new(&[("Cargo.toml", least), ("README", "")]).is_as_cargo_says("");
    let with = |line: &str| least.replace("\n[workspace]", &format!("\n{line}\n[workspace]"));
    let files = Files::new(&[("Cargo.toml", &with("readme = false")), ("README.md", "")]);
    files.is_as_cargo_says("");
}

#[test]
fn a_package_inherits_from_its_workspace() {
    let files = Files::new(&[
        ("Cargo.toml", WORKSPACE),
        ("LICENSE", ""),
        ("crates/ABOUT.md", ""),
        ("crates/low/Cargo.toml", INHERITS),
    ]);
    files.is_as_cargo_says("crates/low");
}

#[test]
fn a_package_that_is_excluded_is_its_own_workspace() {
    let own = "[package]\nname = \"own\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let workspace = "[workspace]\nmembers = [\"in\"]\nexclude = [\"out\", \"in\"]\n";
    let files = Files::new(&[
        ("Cargo.toml", workspace),
        ("in/Cargo.toml", own),
        ("out/Cargo.toml", own),
        ("out/src/x", ""),
        ("else/Cargo.toml", &format!("{own}workspace = \"../ws\"\n")),
        ("ws/Cargo.toml", "[workspace]\nmembers = [\"../else\"]\n"),
    ]);
    let manifests = Manifests::default();
    let root_of = |path: &str| manifests.workspace_root(&files.root().join(path)).unwrap();
    assert_eq!(root_of("in"), files.root());
    assert_eq!(root_of("out/src"), files.root().join("out"));
    assert_eq!(root_of("else"), files.root().join("ws"));
    assert_eq!(manifests.workspace_root(Path::new("/nonexistent")), None);
}
