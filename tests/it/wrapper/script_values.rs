//! What build scripts of the workspace ask the system for other than files and variables: a result is used again only if that
//! says the same.

use rstest::rstest;

use super::build_scripts::{saying, take_runs, with_runs};
use super::command::said;
use super::out_dir::says_the_same_uncached;
use super::project::Project;
use super::registry;
use super::workspace_scripts::{DECLARES, app};

const MAIN: &str =
    "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{}\", SAID); }\n";

/// A program whose build script finds something out by `value`, with a crate `helper` of this code, which is published if it
/// `is_published`.
fn with_helper(value: &str, helper: &str, is_published: bool) -> Project {
    let script = saying(&format!("{{ {DECLARES} {value} }}"));
    let mut project = with_runs(Project::new().with_store());
    let uses = if is_published {
        registry::package(&project, "helper", "", &[("src/lib.rs", helper)]);
        registry::publish(&project, &["helper"]);
        "helper = \"0.1\""
    } else {
        project = project.package("helper", "", &[("src/lib.rs", helper)]);
        "helper = { path = \"../helper\" }"
    };
    let files = [
        ("build.rs", script.as_str()),
        ("src/main.rs", MAIN),
        ("data.txt", "data\n"),
    ];
    let uses = format!("[build-dependencies]\n{uses}\n");
    project.package("app", &uses, &files).committed()
}

/// How often the script runs in a second build from nothing.
fn runs_in_second_build(project: &Project) -> usize {
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(project), 1);
    main.clean();
    main.cargo(&["build"]).ok();
    take_runs(project)
}

#[rstest]
#[case::process("std::process::id().to_string()")]
#[case::parent("std::os::unix::process::parent_id().to_string()")]
#[case::seconds("{ extern \"C\" { fn time(to: usize) -> i64; } unsafe { time(0) }.to_string() }")]
#[case::of_c11(
    "{ extern \"C\" { fn timespec_get(to: *mut [i64; 2], base: i32) -> i32; } let mut to = [0; 2]; \
    unsafe { timespec_get(&mut to, 1) }; format!(\"{to:?}\") }"
)]
#[case::hash(
    "std::hash::BuildHasher::hash_one(std::collections::HashMap::<u8, u8>::new().hasher(), 1).to_string()"
)]
#[case::limit(
    "{ extern \"C\" { fn getrlimit(which: i32, to: *mut [u64; 2]) -> i32; } let mut to = [0; 2]; \
    unsafe { getrlimit(7, &mut to) }; format!(\"{to:?}\") }"
)]
#[case::limits("fs::read_to_string(format!(\"/pro{}\", \"c/self/limits\")).unwrap()")]
#[cfg_attr(
    target_arch = "x86_64",
    case::of_the_processor("unsafe { std::arch::x86_64::_rdtsc() }.to_string()")
)]
#[requires(sccache)]
fn a_script_that_reads_changing_values_runs_each_time(#[case] value: &str) {
    let project = app(value);
    assert_eq!(runs_in_second_build(&project), 1);
}

const TIME: &str = "use std::os::unix::fs::MetadataExt as _;\n\
    pub fn when(path: &str) -> String { std::fs::metadata(path).unwrap().mtime().to_string() }\n";
const DRAWN: &str = "extern \"C\" { fn getrandom(to: *mut u8, length: usize, flags: u32) -> isize; }\n\
    pub fn when(_: &str) -> String { let mut to = [0; 8]; unsafe { getrandom(to.as_mut_ptr(), 8, 0) }; format!(\"{to:?}\") }\n";
const PROCESS: &str = "pub fn when(_: &str) -> String { std::process::id().to_string() }\n";

#[rstest]
#[requires(sccache)]
fn a_script_whose_crate_reads_changing_values_runs_each_time(
    #[values(TIME, DRAWN, PROCESS)] helper: &str,
    #[values(false, true)] is_published: bool,
) {
    let project = with_helper("helper::when(\"data.txt\")", helper, is_published);
    assert_eq!(runs_in_second_build(&project), 1);
}

#[requires(sccache)]
#[test]
fn the_crate_that_may_read_the_times_of_files_is_named() {
    let project = with_helper("helper::when(\"data.txt\")", TIME, true);
    let main = project.main();
    main.cargo(&["build"]).ok();
    let why = "a crate that it uses may return another value each time: helper: the times of files";
    let explained = said(&main, &["explain", "app"]);
    assert!(explained.contains(why), "{explained}");
    let report = said(&main, &["report"]);
    assert!(report.contains(why), "{report}");
    assert!(!report.contains("SOURCE_DATE_EPOCH"), "{report}");
}

/// The crate draws its numbers from a seed that the system does not give.
#[requires(sccache)]
#[test]
fn random_numbers_of_a_crate_of_the_workspace_are_new_each_time() {
    let mut project = with_runs(Project::new().with_store());
    let fastrand = "use std::hash::{BuildHasher as _, Hasher as _};\n\
        pub fn u64() -> u64 { std::collections::hash_map::RandomState::new().build_hasher().finish() }\n";
    registry::package(&project, "fastrand", "", &[("src/lib.rs", fastrand)]);
    registry::publish(&project, &["fastrand"]);
    let helper = "pub fn name() -> String { fastrand::u64().to_string() }\n";
    let uses = "[dependencies]\nfastrand = \"0.1\"\n";
    project = project.package("helper", uses, &[("src/lib.rs", helper)]);
    let script = saying(&format!("{{ {DECLARES} helper::name() }}"));
    let uses = "[build-dependencies]\nhelper = { path = \"../helper\" }\n";
    let files = [("build.rs", script.as_str()), ("src/main.rs", MAIN)];
    let project = project.package("app", uses, &files).committed();
    assert_eq!(runs_in_second_build(&project), 1);
}

/// How crates name temporary files.
#[requires(sccache)]
#[test]
fn internal_values_of_a_published_crate_do_not_count() {
    let helper = "use std::collections::hash_map::RandomState;\nuse std::hash::{BuildHasher as _, Hasher as _};\n\
        pub fn name() -> String { RandomState::new().build_hasher().finish().to_string() }\n";
    let value = "{ fs::write(env::temp_dir().join(helper::name()), \"\").unwrap(); \"made\" }";
    let project = with_helper(value, helper, true);
    assert_eq!(runs_in_second_build(&project), 0);
}

#[rstest]
#[case::processors("std::thread::available_parallelism().unwrap().to_string()")]
#[case::user("{ extern \"C\" { fn geteuid() -> u32; } unsafe { geteuid() }.to_string() }")]
#[case::host(
    "{ extern \"C\" { fn uname(to: *mut u8) -> i32; } let mut to = [0; 390]; unsafe { uname(to.as_mut_ptr()) }; \
    String::from_utf8_lossy(&to[..300]).replace('\\0', \" \") }"
)]
#[requires(sccache)]
fn values_that_are_constant_on_this_machine_hit(#[case] value: &str) {
    let project = app(value);
    assert_eq!(runs_in_second_build(&project), 0);
    says_the_same_uncached(&project.main());
}

#[cfg(target_os = "linux")]
#[requires(sccache)]
#[test]
fn the_number_of_processors_counts() {
    let project = app("std::thread::available_parallelism().unwrap().to_string()");
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.clean();
    let mut cargo = main.command("taskset");
    let built = cargo
        .args(["-c", "0", "cargo", "build", "--offline"])
        .status();
    assert!(built.unwrap().success());
    assert_eq!(main.says("app"), "1\n");
}

/// Datagrams need no connection.
#[rstest]
#[case::receives(
    "{ let one = std::net::UdpSocket::bind(\"127.0.0.1:0\").unwrap(); one.local_addr().unwrap().port().to_string() }"
)]
#[case::lists_addresses(
    "{ extern \"C\" { fn getifaddrs(to: *mut usize) -> i32; } let mut to = 0; unsafe { getifaddrs(&mut to) }.to_string() }"
)]
#[requires(sccache)]
fn what_uses_the_network_without_a_connection_runs_each_time(#[case] value: &str) {
    assert_eq!(runs_in_second_build(&app(value)), 1);
}

/// The result is the one of this checkout, wherever it is.
#[requires(sccache)]
#[test]
fn the_path_that_a_published_crate_asks_for_is_that_of_this_checkout() {
    let helper = "pub fn name() -> String { std::env::current_dir().unwrap().ancestors().nth(2).unwrap().file_name().unwrap().len().to_string() }\n";
    let project = with_helper("helper::name()", helper, true);
    assert_eq!(runs_in_second_build(&project), 0);
    let linked = project.linked("another-place");
    linked.cargo(&["build"]).ok();
    says_the_same_uncached(&linked);
}
