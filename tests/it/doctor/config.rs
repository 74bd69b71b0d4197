//! S010 to S015: sccache's config file, and variables against it. And S018 and S050.

use super::DevShell;

#[requires(sccache, proc)]
#[test]
fn an_error_in_the_config_file_has_its_place() {
    let shell = DevShell::new();
    shell.write("conf", "[cache.disk]\nsise = 5\n");
    shell.finds(
        "S010",
        &["/conf:2:1", "error[S010]", "did you mean `size`?"],
    );
}

#[requires(sccache, proc)]
#[test]
fn a_size_that_sccache_ignores_is_reported() {
    let shell = DevShell::new()
        .without("SCCACHE_DIR")
        .with("SCCACHE_CACHE_SIZE", "3GiB");
    shell.finds(
        "S011",
        &["variable SCCACHE_CACHE_SIZE", "write SCCACHE_CACHE_SIZE=3G"],
    );
}

#[requires(sccache, proc)]
#[test]
fn one_disk_variable_that_replaces_the_table_is_reported() {
    let shell = DevShell::new()
        .without("SCCACHE_DIR")
        .with("SCCACHE_CACHE_SIZE", "3G");
    shell.finds(
        "S012",
        &["SCCACHE_CACHE_SIZE in the environment replaces", "/conf:1:"],
    );
}

#[requires(sccache, proc)]
#[test]
fn a_back_end_that_is_not_used_is_reported() {
    let shell = DevShell::new().without_hook();
    shell.machine.sccfg(&["server", "stop"]).status(0);
    let text = shell.machine.sandbox.read("conf");
    let more = "[cache.redis]\nendpoint = 'redis://localhost'\n";
    shell.write("conf", &(text + more));
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has("[S013]")
        .stdout_has("the disk cache is not used, because `redis` is configured");
}

#[requires(sccache, proc)]
#[test]
fn a_cache_directory_that_cannot_be_used_is_reported() {
    let shell = DevShell::new();
    shell.machine.sccfg(&["server", "stop"]).status(0);
    shell.write("file", "");
    let dir = shell.path("file/cache");
    let text = format!(
        "[cache.disk]\ndir = '{}'\nsize = 3221225472\n",
        dir.display()
    );
    shell.write("conf", &text);
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has("[S014]").stdout_has("/conf:2:");
}

#[requires(sccache, proc)]
#[test]
fn a_size_without_a_unit_is_reported() {
    let shell = DevShell::new();
    shell.machine.sccfg(&["server", "stop"]).status(0);
    let dir = shell.path("cache");
    let text = format!("[cache.disk]\ndir = '{}'\nsize = 24\n", dir.display());
    shell.write("conf", &text);
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has("[S014]")
        .stdout_has("/conf:3:")
        .stdout_has("the cache size is 24 bytes, less than 1 MiB")
        .stdout_has("add a unit");
}

#[requires(sccache, proc)]
#[test]
fn faulty_settings_of_the_local_store_are_reported() {
    let shell = DevShell::new();
    shell.write(
        "home/.config/sccfg/config.toml",
        "[store]\nsize = \"much\"\n",
    );
    shell.finds("S015", &["config.toml:2:"]);
}

#[requires(sccache, proc)]
#[test]
fn a_faulty_policy_is_one_finding_and_the_rest_is_checked() {
    let shell = DevShell::new();
    shell.write("repo/sccfg.toml", "[cache]\nsice = \"3GiB\"\n");
    let ran = shell.doctor(&["--json"]).status(1);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["problems"][0]["code"], "S050", "{json:#}");
    assert_eq!(json["problems"][0]["where"]["line"], 2);
}

#[requires(sccache, proc)]
#[test]
fn a_variable_of_sccfg_that_is_not_understood_is_reported() {
    for (name, value, hint) in [
        ("SCCFG_SEED", "no", "write on or off"),
        ("SCCFG_STORE", "maybe", "write on or off"),
        ("SCCFG_WRAPPER", "Off", "write on, off or verify"),
        ("SCCFG_WRAPPER_LINKS", "none", "write on or off"),
        ("SCCFG_WRAPPER_SCRIPTS", "none", "write on or off"),
        (
            "SCCFG_WRAPPER_VERIFY",
            "2",
            "write a percentage, such as 2%",
        ),
        ("SCCFG_WRAPPER_HOME", "share", "write shared or exact"),
        ("SCCFG_SCCACHE_TIMEOUT", "6s", "write a number of seconds"),
        ("SCCFG_WRAPPER_DIR", "state", "write an absolute path"),
        ("SCCFG_CONFIG", "config.toml", "write an absolute path"),
    ] {
        let is_ignored = format!("{name}={value} is ignored");
        let place = format!("variable {name}");
        let shell = DevShell::new().with(name, value);
        shell.finds("S018", &[&is_ignored, &place, hint]);
    }
    for value in ["on", "1", "true", "off", "0", "false", ""] {
        let ran = DevShell::new().with("SCCFG_SEED", value).doctor(&[]);
        assert!(!ran.stdout.contains("S018"), "{value}: {}", ran.stdout);
    }
}
