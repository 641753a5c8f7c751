//! Configuration: `config/musubi.toml` is compiled in as the defaults, a file and
//! `MUSUBI_SECTION__KEY` variables override it, unknown keys are refused with the nearest known one.
#[derive(Debug, Default)]
pub struct Config;
