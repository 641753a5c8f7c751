<?php
// People as the test wrote them: {"login": {"password", "name", "mail", "groups"}}.
$people = json_decode(file_get_contents(getenv('MUSUBI_SAML_FOLDER') . '/people.json'), true);
$users = ['exampleauth:UserPass'];
foreach ($people as $login => $person) {
    $users[$login . ':' . $person['password']] = [
        'uid' => [$login],
        'displayName' => [$person['name']],
        'mail' => [$person['mail']],
        'groups' => $person['groups'],
    ];
}
$config = ['admin' => ['core:AdminPassword'], 'users' => $users];
