"""`llm7router setup`: from a provider's facts to a key that is checked and stored.

    facts       what a tier gives and asks, in words
    terminal    questions to the person, hidden ones too
    browser     opens a page, where there is a screen
    key_text    what can be a key, and how it is shown
    pkce        OAuth with PKCE: addresses, codes, the exchange
    callback    the local page to which the browser comes back
    consent     the callback and the terminal at once
    check       whether the provider takes a key
    env_file    keys in a `.env`; those in the system's keyring are `config.system_keyring`
    guide       one provider from the first line to the last

No sign-up is automated and no account rotated: the providers' terms speak against it.
"""
