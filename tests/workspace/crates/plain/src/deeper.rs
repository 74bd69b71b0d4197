pub const DEEPER: &str = concat!(file!(), " in ", module_path!());
