//! A published macro puts the times of files into the code, as `rust-embed` does: they are those of this checkout's files.

use std::fs;
use std::time::{Duration, SystemTime};

use super::command::said;
use super::environment::PROC_MACRO;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project, succeeds};
use super::registry;
use super::seed::{POLICY, sccfg};
use crate::lab::Counts;

/// Prints when files were written and created. `NAMES` are relative to the directory of the package.
const TIMES: &str = r#"
    use proc_macro::{Literal, TokenStream, TokenTree};

    const NAMES: [&str; 4] = ["assets", "assets/a.txt", "src/main.rs", "."];

    #[proc_macro]
    pub fn times(_: TokenStream) -> TokenStream {
        let at = std::path::PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap());
        let of = |name: &&str| {
            let metadata = std::fs::metadata(at.join(name)).unwrap();
            format!("{name} {:?} {:?}", metadata.modified().unwrap(), metadata.created().ok())
        };
        let all: Vec<_> = NAMES.iter().map(of).collect();
        TokenTree::from(Literal::string(&all.join("\n"))).into()
    }
"#;

/// A program above the published macro.
fn project() -> Project {
    let project = Project::new().with_store();
    let files = [("src/lib.rs", TIMES)];
    registry::package(&project, "timescrate", PROC_MACRO, &files);
    registry::publish(&project, &["timescrate"]);
    let main = "fn main() { println!(\"{}\", timescrate::times!()); }\n";
    let project = project.file("sccfg.toml", POLICY).package(
        "app",
        "[dependencies]\ntimescrate = \"0.1\"\n",
        &[("src/main.rs", main), ("assets/a.txt", "a")],
    );
    let lock = with_home(&project, &project.main());
    succeeds(lock.command("cargo").arg("generate-lockfile"));
    project.committed()
}

fn with_home<'a>(project: &Project, checkout: &Checkout<'a>) -> Checkout<'a> {
    registry::with_home(project, checkout, "cargo-home")
}

#[requires(sccache)]
#[test]
fn a_rebuild_hits_until_a_time_changes() {
    let project = project();
    let main = with_home(&project, &project.main());
    main.cargo(&["build"]).ok();
    let first = main.says("app");
    let text = said(&main, &["explain", "app"]);
    let why = "shared only between builds in the same checkout: a macro in its dependencies reads the times of files";
    assert!(text.contains(why), "{text}");
    main.clean();
    main.cargo(&["build"]).ok().all_hit();
    assert_eq!(says_the_same_uncached(&main), first);

    let hour = Duration::from_secs(3600);
    for (number, name) in (1..).zip(["assets/a.txt", "src/main.rs", "assets", "."]) {
        main.clean();
        let path = main.path("crates/app").join(name);
        let time = SystemTime::now() - number * hour;
        fs::File::open(path).unwrap().set_modified(time).unwrap();
        main.cargo(&["build"]).ok().compiled(&["app bin"]);
        assert_ne!(says_the_same_uncached(&main), first, "{name}");
    }
}

/// No other machine has files with these times.
#[requires(sccache)]
#[test]
fn the_program_is_not_sent_to_a_shared_cache() {
    let project = project();
    let main = with_home(&project, &project.main());
    // What counts is that the wrapper takes the cache for one that others use.
    let main = main.with("SCCACHE_REDIS_ENDPOINT", "redis://127.0.0.1:1");
    for is_built in [false, true] {
        let before = project.counts();
        let built = main.cargo(&["build"]).ok();
        let asked = project.counts() - before;
        if is_built {
            built.all_hit();
            assert_eq!(asked, Counts::default());
        } else {
            built.compiled(&["app bin", "timescrate proc-macro"]);
            assert_eq!((asked.rust_hits, asked.rust_misses), (0, 1));
        }
        main.clean();
    }
}

#[requires(sccache)]
#[test]
fn another_checkout_gets_its_own_times() {
    let project = project();
    let main = with_home(&project, &project.main());
    main.cargo(&["build"]).ok();
    for (name, is_seeded) in [("second", false), ("seeded", true)] {
        let other = with_home(&project, &project.linked(name));
        if is_seeded {
            sccfg(&other, &["seed"]).status(0);
        }
        other.cargo(&["build"]).ok().compiled(&["app bin"]);
        assert_ne!(says_the_same_uncached(&other), main.says("app"));
    }
}
