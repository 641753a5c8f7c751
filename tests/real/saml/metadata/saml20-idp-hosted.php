<?php
$metadata[getenv('MUSUBI_SAML_BASE') . '/idp'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'provider.key',
    'certificate' => 'provider.crt',
    'auth' => 'users',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'SingleSignOnServiceBinding' => [
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    ],
    'sign.logout' => true,
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'authproc' => [1 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid']],
];
