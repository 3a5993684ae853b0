//! The plugins of this worker: a crate that is linked here is offered.

use connect_converters as _;
use connect_transforms as _;
use connector_datagen as _;
use connector_file as _;
use connector_mongodb as _;
use connector_s3 as _;
use connector_verification as _;
