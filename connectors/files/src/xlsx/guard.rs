//! Archives that unpack to more than they should.

use std::io::Read;

use super::Zip;
use crate::{FileError, Limits, xml::broken};

/// From this size on an archive is asked how tightly it is packed.
const SMALL: u64 = 16 << 20;

/// Unpacks everything that would be read once, counting: what an archive says of its sizes is not believed.
pub fn check(zip: &mut Zip<'_>, limits: &Limits) -> Result<(), FileError> {
    let bomb = || FileError::Bomb { limit: limits.unpacked };
    if zip.len() > 10_000 {
        return Err(broken("more than 10,000 parts"));
    }
    let mut total = 0u64;
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).map_err(|_| broken("packed data"))?;
        let name = file.name().map_err(|_| broken("a part whose name cannot be read"))?.into_owned();
        let is_xml = [".xml", ".rels"].iter().any(|end| name.ends_with(end));
        if !is_xml {
            continue;
        }
        let limit = if name.ends_with("/sharedStrings.xml") { limits.shared } else { limits.unpacked };
        let packed = file.compressed_size().max(1);
        let unpacked = count(&mut file, limit, bomb)?;
        total += unpacked;
        if total > limits.unpacked || (unpacked > SMALL && unpacked / packed > limits.ratio) {
            return Err(bomb());
        }
    }
    Ok(())
}

fn count(from: &mut dyn Read, limit: u64, bomb: impl Fn() -> FileError) -> Result<u64, FileError> {
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0u64;
    loop {
        let n = from.read(&mut buffer).map_err(|_| broken("packed data"))?;
        if n == 0 {
            return Ok(total);
        }
        total += n as u64;
        if total > limit {
            return Err(bomb());
        }
    }
}
