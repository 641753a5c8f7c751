<?php
// One entry for each test: {"entity_id", "acs", "slo", "certificate", "sign_response", "encrypt"}. Requests have to be signed, to sign
// out as well.
foreach (glob(getenv('MUSUBI_SAML_FOLDER') . '/services/*.json') as $file) {
    $service = json_decode(file_get_contents($file), true);
    $metadata[$service['entity_id']] = [
        'AssertionConsumerService' => $service['acs'],
        'SingleLogoutService' => $service['slo'],
        'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        'certData' => $service['certificate'],
        'validate.authnrequest' => true,
        'validate.logout' => true,
        'saml20.sign.response' => $service['sign_response'],
        'saml20.sign.assertion' => true,
        'assertion.encryption' => $service['encrypt'],
    ];
}
