//! What is in a variable may be a password: none of what the wrapper keeps or says has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::environment::{MACROS, PROC_MACRO, USES_MACROS};
use super::project::Project;
use indoc::indoc;

const SECRET: &str = "s3ntinel-hunter2";
const OTHER: &str = "s3ntinel-swordfish";

/// The wrapper's own files below a directory.
fn kept_in(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            kept_in(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

#[requires(sccache)]
#[test]
fn values_of_variables_are_neither_saved_nor_printed() {
    // What is stored contains what was compiled in, as sccache's cache does; both directories are private.
    let project = Project::new().without_store();
    let project = project
        .package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)])
        .package(
            "asks",
            USES_MACROS,
            &[(
                "src/lib.rs",
                indoc! {r#"
                    pub const A: usize = mac::variable!("DATABASE_URL").len();
                    pub const B: usize = mac::variable!("SERVICE_TOKEN").len();
                    pub const C: usize = env!("BUILT_IN").len();
                "#},
            )],
        )
        .committed();
    let with = |checkout: super::project::Checkout<'_>, secret: &str| {
        let set = |name| format!("{name}://me:{secret}@host");
        checkout
            .with("DATABASE_URL", &set("postgres"))
            .with("SERVICE_TOKEN", secret)
            .with("BUILT_IN", secret)
            .cargo(&["build"])
            .ok();
    };
    with(project.main(), SECRET);
    with(project.linked("same"), SECRET);
    with(project.linked("other"), OTHER);
    let root = project.main().directory.parent().unwrap().to_owned();
    let mut all = Vec::new();
    kept_in(&root, &mut all);
    let is_ours = |path: &&PathBuf| {
        let text = path.to_string_lossy();
        text.contains("/.sccfg/") || text.contains("/sccfg/wrapper/")
    };
    let ours: Vec<&PathBuf> = all.iter().filter(is_ours).collect();
    assert!(
        ours.iter()
            .any(|path| path.to_string_lossy().contains("/.sccfg/asks-"))
    );
    assert!(
        ours.iter()
            .any(|path| path.to_string_lossy().contains("/sources/"))
    );
    for path in ours {
        let bytes = fs::read(path).unwrap();
        for secret in [SECRET, OTHER] {
            let found = memchr::memmem::find(&bytes, secret.as_bytes());
            assert_eq!(found, None, "{}", path.display());
        }
        let mode = fs::metadata(path).unwrap().permissions().mode();
        let is_link = path.canonicalize().unwrap() != *path;
        let is_program = is_link || path.ends_with("sccfg/wrapper/c/sccache");
        assert!(
            is_program || mode.trailing_zeros() >= 6,
            "{mode:o} {}",
            path.display()
        );
    }
    // It still says which variables differ, and only where they do.
    let explained = |here: &str, there: &str| {
        let here = project.checkout(root.join(here));
        let mut command = here.command(env!("CARGO_BIN_EXE_sccfg"));
        let there = root.join(there);
        command
            .current_dir(&here.directory)
            .args(["wrapper", "explain", "asks", "--against"])
            .arg(there);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains(SECRET) && !text.contains(OTHER), "{text}");
        text
    };
    assert!(explained("same", "main").contains("the same key in the other checkout"));
    let text = explained("other", "main");
    for name in ["$DATABASE_URL", "env!(SERVICE_TOKEN)", "env!(BUILT_IN)"] {
        assert!(
            text.contains(&format!("{name}: set here, to another value there")),
            "{name} in {text}"
        );
    }
    assert!(!text.contains("$CARGO_PKG_NAME"), "{text}");
    // Where another machine made the records, nobody can say.
    fs::remove_file(root.join("home/.cache/sccfg/wrapper/hash_key")).unwrap();
    with(project.linked("elsewhere"), SECRET);
    assert!(explained("elsewhere", "main").contains("the same key in the other checkout"));
}
