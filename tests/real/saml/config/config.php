<?php
// SimpleSAMLphp as an identity provider for tests. The test says where its files are and where it listens.
$folder = getenv('MUSUBI_SAML_FOLDER') . '/';
$config = [
    'baseurlpath' => getenv('MUSUBI_SAML_BASE') . '/',
    'certdir' => $folder,
    'loggingdir' => $folder,
    'datadir' => $folder,
    'tempdir' => $folder . 'temporary',
    'technicalcontact_name' => 'Tests',
    'technicalcontact_email' => 'tests@example.test',
    'timezone' => 'UTC',
    'secretsalt' => 'only-for-tests-0123456789abcdef',
    'auth.adminpassword' => 'only-for-tests-0123456789abcdef',
    'logging.level' => SimpleSAML\Logger::INFO,
    'logging.handler' => 'file',
    'enable.saml20-idp' => true,
    'session.cookie.secure' => false,
    'session.cookie.samesite' => '',
    'session.phpsession.savepath' => $folder . 'sessions',
    'session.phpsession.httponly' => true,
    'store.type' => 'phpsession',
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'metadata.sources' => [['type' => 'flatfile', 'directory' => __DIR__ . '/../metadata']],
    'language.default' => 'en',
];
