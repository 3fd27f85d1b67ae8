// An S3 server that is not Ceph's, with one bucket; prints its port, and serves until it is killed.
//
// Usage: server.js DIRECTORY BUCKET
'use strict';

const S3rver = require('s3rver');

const [directory, bucket] = process.argv.slice(2);
new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets: [{ name: bucket }] })
  .run((failure, address) => {
    if (failure) throw failure;
    console.log(address.port);
  });
