<?php
// One entry for each test: {"entity_id", "acs", "certificate"}. Requests have to be signed.
foreach (glob(getenv('MUSUBI_SAML_FOLDER') . '/services/*.json') as $file) {
    $service = json_decode(file_get_contents($file), true);
    $metadata[$service['entity_id']] = [
        'AssertionConsumerService' => $service['acs'],
        'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        'certData' => $service['certificate'],
        'validate.authnrequest' => true,
        'saml20.sign.response' => $service['sign_response'],
        'saml20.sign.assertion' => true,
    ];
}
